// When each connection of a worker was told of each tip: by its first SetNewPrevHash for that block, or its first mining.notify. Where only some are
// timed the others are not read until these have been told, and then each of them has to have been told as well.
import type { MinerConnection } from '../miner-connection.ts';
import type { TipStamps } from '../orders.ts';

interface Tip {
  /** Of those that are timed. */
  readonly told: Float64Array;
  /** Of all, by slot. */
  readonly isTold: Uint8Array;
  timed: number;
  all: number;
}

export class TipWatch {
  readonly #connections: readonly MinerConnection[];
  readonly #others: readonly MinerConnection[];
  readonly #step: number;
  readonly #onAllTold: (tip: string) => void;
  readonly #tips = new Map<string, Tip>();
  readonly #lastHash = new Uint8Array(32);
  #last: Tip | undefined;

  /** @param timed how many of the connections; 0: all. @param onAllTold of a tip, by its hash. */
  constructor(connections: readonly MinerConnection[], timed: number, onAllTold: (tip: string) => void) {
    this.#connections = connections;
    this.#step = timed === 0 ? 1 : Math.ceil(connections.length / timed);
    this.#others = connections.filter(({ slot }) => !this.#isTimed(slot));
    this.#onAllTold = onAllTold;
    for (const other of this.#others) other.pause();
  }

  told({ slot }: MinerConnection, prevHash: Uint8Array, now: number): void {
    const tip = this.#tipOf(prevHash);
    if (tip.isTold[slot] === 1) return;
    tip.isTold[slot] = 1;
    tip.all += 1;
    if (this.#isTimed(slot)) {
      tip.told[slot] = now;
      tip.timed += 1;
      if (tip.timed === this.#connections.length - this.#others.length)
        for (const other of this.#others) other.resume();
    }
    if (tip.all !== this.#connections.length) return;
    for (const other of this.#others) other.pause();
    this.#onAllTold(nameOf(prevHash));
  }

  /** All are read again. */
  stop(): void {
    for (const other of this.#others) other.resume();
  }

  #isTimed(slot: number): boolean {
    return slot % this.#step === 0;
  }

  #tipOf(prevHash: Uint8Array): Tip {
    if (this.#last !== undefined && Buffer.compare(this.#lastHash, prevHash) === 0) return this.#last;
    const name = nameOf(prevHash);
    let tip = this.#tips.get(name);
    if (tip === undefined) {
      const { length } = this.#connections;
      tip = { told: new Float64Array(length).fill(Number.NaN), isTold: new Uint8Array(length), timed: 0, all: 0 };
      this.#tips.set(name, tip);
    }
    this.#lastHash.set(prevHash);
    this.#last = tip;
    return tip;
  }

  /** By hash: hexadecimal, wire order. */
  get stamps(): ReadonlyMap<string, TipStamps> {
    return new Map([...this.#tips].map(([name, { told }]) => [name, { told }]));
  }
}

function nameOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}
