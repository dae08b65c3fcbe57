// The upstreams in use and the part of the farm that each has: where a miner that comes goes, and who moves when parts are off.
import { balance } from './balance.ts';
import type { FarmMiner } from './farm-miner.ts';
import type { Feed } from './feed.ts';

export interface Part {
  readonly feed: Feed;
  /** Of the farm's hashrate beside the other parts, positive. */
  readonly weight: number;
}

export class Split {
  /** Hashes a second of a miner that nothing is known of. */
  readonly #expected: number;
  #parts: readonly Part[];
  /** By part, as `settle` has found it, and what came since. */
  #hashrates: number[] = [0];

  /** @param first has all miners until others are in use. @param expected hashes a second of a miner that nothing is known of. */
  constructor(first: Feed, expected: number) {
    this.#expected = expected;
    this.#parts = [{ feed: first, weight: 1 }];
  }

  get parts(): readonly Part[] {
    return this.#parts;
  }

  /** Other upstreams are in use; `settle` has the miners follow. */
  use(parts: readonly Part[]): void {
    this.#parts = parts;
    this.#hashrates = parts.map(() => 0);
  }

  has(feed: Feed): boolean {
    return this.#parts.some((part) => part.feed === feed);
  }

  /** Where the next miner goes: to the part that has least of what it is to have. */
  next(): Feed {
    const fill = this.#hashrates.map((hashrate, part) => (hashrate + this.#expected) / this.#parts[part]!.weight);
    const emptiest = fill.indexOf(Math.min(...fill));
    this.#hashrates[emptiest]! += this.#expected;
    return this.#parts[emptiest]!.feed;
  }

  /** Moves miners until each part is right; their jobs come with `giveDue` of their feeds. How many have moved. */
  settle(all: Iterable<FarmMiner>): number {
    const miners = [...all];
    const weighed = miners.map(({ hashrate, base }) => ({
      hashrate: hashrate === 0 ? this.#expected : hashrate,
      part: this.#parts.findIndex(({ feed }) => feed === base),
    }));
    const weights = this.#parts.map(({ weight }) => weight);
    const moves = balance(weighed, weights);
    for (const { index, to } of moves) miners[index]!.moveTo(this.#parts[to]!.feed);
    this.#hashrates = this.#parts.map(({ feed }) => feed.hashrate);
    return moves.length;
  }
}
