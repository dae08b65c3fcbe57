// Merkle roots of the next shares of a batch, hashed before these are judged: those of a job four at a time, wherever they stand in the batch.
// Nearly all of what a share of an extended channel costs is its coinbase and its path, and so it is with the first one of a standard channel for
// a job. Whose root is not known here is hashed when it is judged.
import { LANES } from '@sluice/bitcoin/lane-code';
import { RootLanes } from '@sluice/bitcoin/root-lanes';
import { FULL_EXTRANONCE_SIZE } from '@sluice/mining/extranonce';
import type { ExtendedJob } from '@sluice/mining/job';

/** To take up a job costs as much as a share: with fewer of one nothing is gained. */
const SHARES_WORTH_A_JOB = 3;

export class RootsAhead {
  readonly #lanes = new RootLanes();
  /** By place, 32 bytes each. */
  readonly #roots: readonly Uint8Array[];
  readonly #prefixes: Uint8Array[] = [];
  readonly #offsets: number[] = [];
  /** Places of the shares of each job. */
  readonly #places = new Map<ExtendedJob, number[]>();

  /** @param roots where the root of each place is written. */
  constructor(roots: readonly Uint8Array[]) {
    this.#roots = roots;
  }

  /** A share; what is left of the extranonce behind its prefix stands at `offset` of the payload, whole. */
  add(place: number, job: ExtendedJob, prefix: Uint8Array, offset: number): void {
    this.#prefixes[place] = prefix;
    this.#offsets[place] = offset;
    const places = this.#places.get(job);
    if (places === undefined) this.#places.set(job, [place]);
    else places.push(place);
  }

  /** Hashes what is worth it, tells of each place whose root is known now, and forgets all shares. */
  run(payload: Uint8Array, onRoot: (place: number) => void): void {
    for (const [job, places] of this.#places)
      if (places.length >= SHARES_WORTH_A_JOB && this.#lanes.begin(job, FULL_EXTRANONCE_SIZE))
        this.#hash(places, payload, onRoot);
    this.#places.clear();
  }

  #hash(places: readonly number[], payload: Uint8Array, onRoot: (place: number) => void): void {
    // One that is left alone costs as much in lanes as by itself.
    const count = places.length % LANES === 1 ? places.length - 1 : places.length;
    for (let first = 0; first < count; first += LANES) {
      const used = Math.min(LANES, count - first);
      for (let lane = 0; lane < used; lane += 1) {
        const place = places[first + lane]!;
        this.#lanes.set(lane, this.#prefixes[place]!, payload, this.#offsets[place]!);
      }
      this.#lanes.run();
      for (let lane = 0; lane < used; lane += 1) {
        const place = places[first + lane]!;
        this.#lanes.root(lane, this.#roots[place]!);
        onRoot(place);
      }
    }
  }
}
