// Merkle roots of the next shares of a batch, hashed before these are judged: those of a job four at a time, wherever they stand in the batch.
// Nearly all of what a share of an extended channel costs is its coinbase and its path. Whose root is not known here is hashed when it is judged.
import { LANES } from '@sluice/bitcoin/lane-code';
import { RootLanes } from '@sluice/bitcoin/root-lanes';
import { FULL_EXTRANONCE_SIZE } from '@sluice/mining/extranonce';
import type { ExtendedJob } from '@sluice/mining/job';

/** To take up a job costs as much as a share: with fewer of one nothing is gained. */
const SHARES_WORTH_A_JOB = 3;

/** Serves all audits: what is in it is used within a call. */
const lanes = new RootLanes();

export class RootsAhead {
  /** By place, 32 bytes each. */
  readonly #roots: readonly Uint8Array[];
  /** By place: the job whose root is known. */
  readonly #jobs: (ExtendedJob | undefined)[];
  readonly #prefixes: Uint8Array[] = [];
  readonly #offsets: number[] = [];
  /** Places of the shares of each job. */
  readonly #places = new Map<ExtendedJob, number[]>();

  /** @param shares places, counted from 0. */
  constructor(shares: number) {
    this.#roots = Array.from({ length: shares }, () => new Uint8Array(32));
    this.#jobs = new Array<ExtendedJob | undefined>(shares).fill(undefined);
  }

  /** Forgets all shares. */
  clear(): void {
    this.#jobs.fill(undefined);
    this.#places.clear();
  }

  /** A share of an extended channel; what is left of the extranonce behind its prefix stands at `offset` of the payload, whole. */
  add(place: number, job: ExtendedJob, prefix: Uint8Array, offset: number): void {
    this.#prefixes[place] = prefix;
    this.#offsets[place] = offset;
    const places = this.#places.get(job);
    if (places === undefined) this.#places.set(job, [place]);
    else places.push(place);
  }

  /** Hashes what is worth it. */
  run(payload: Uint8Array): void {
    for (const [job, places] of this.#places)
      if (places.length >= SHARES_WORTH_A_JOB && lanes.begin(job, FULL_EXTRANONCE_SIZE))
        this.#hash(job, places, payload);
    this.#places.clear();
  }

  /** The root of a share for this job, 32 bytes that are valid until the next `run`; `undefined`: not known. */
  root(place: number, job: ExtendedJob): Uint8Array | undefined {
    return this.#jobs[place] === job ? this.#roots[place] : undefined;
  }

  #hash(job: ExtendedJob, places: readonly number[], payload: Uint8Array): void {
    // One that is left alone costs as much in lanes as by itself.
    const count = places.length % LANES === 1 ? places.length - 1 : places.length;
    for (let first = 0; first < count; first += LANES) {
      const used = Math.min(LANES, count - first);
      for (let lane = 0; lane < used; lane += 1) {
        const place = places[first + lane]!;
        lanes.set(lane, this.#prefixes[place]!, payload, this.#offsets[place]!);
      }
      lanes.run();
      for (let lane = 0; lane < used; lane += 1) {
        const place = places[first + lane]!;
        lanes.root(lane, this.#roots[place]!);
        this.#jobs[place] = job;
      }
    }
  }
}
