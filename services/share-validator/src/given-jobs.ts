// Which channels of one incarnation had a share for a job, the target that each had it with, and the merkle roots of standard channels. A job
// keeps its target on a channel, so that a gateway cannot choose afterwards which target a lucky share was for. In arrays by job, because
// a busy gateway has a million of them in the ten minutes that jobs live: an object each took 500 bytes, and all had to be looked at to forget some.

const ROOT_BYTES = 32;
const FIRST_PLACES = 8;

/** One job id as on the wire: reissues of a job are told apart. */
class GivenJob {
  /** Highest feed number at which it became work. */
  order = 0;
  /** By number of the channel. */
  readonly #places = new Map<number, number>();
  /** By place, 32 bytes little-endian each; channels share them. */
  readonly #targets: Uint8Array[] = [];
  /** By place; without meaning for channels that roll the extranonce. */
  #roots = new Uint8Array(FIRST_PLACES * ROOT_BYTES);

  placeOf(channel: number): number | undefined {
    return this.#places.get(channel);
  }

  target(place: number): Uint8Array {
    return this.#targets[place]!;
  }

  /** A view, valid until a channel is added. */
  root(place: number): Uint8Array {
    return this.#roots.subarray(place * ROOT_BYTES, (place + 1) * ROOT_BYTES);
  }

  add(channel: number, target: Uint8Array, root: Uint8Array | undefined): void {
    const place = this.#targets.push(target) - 1;
    this.#places.set(channel, place);
    if (root === undefined) return;
    const end = (place + 1) * ROOT_BYTES;
    if (end > this.#roots.length) {
      const grown = new Uint8Array(2 * end);
      grown.set(this.#roots);
      this.#roots = grown;
    }
    this.#roots.set(root, place * ROOT_BYTES);
  }
}

export class GivenJobs {
  readonly #jobs = new Map<number, GivenJob>();
  #found: GivenJob | undefined;
  #place = 0;

  /** Whether the channel had a share for that job; if so, `target` and `root` are those. `channel`: a number that is never used again. */
  find(jobId: number, channel: number): boolean {
    this.#found = this.#jobs.get(jobId);
    const place = this.#found?.placeOf(channel);
    if (place === undefined) return false;
    this.#place = place;
    return true;
  }

  /** 32 bytes, little-endian. */
  get target(): Uint8Array {
    return this.#found!.target(this.#place);
  }

  /** Of a standard channel: 32 bytes, valid until the next `add`. */
  get root(): Uint8Array {
    return this.#found!.root(this.#place);
  }

  /** What `find` has just not found. `order`: feed number at which the job became work; `root`: of standard channels; it is copied. */
  add(jobId: number, order: number, channel: number, target: Uint8Array, root: Uint8Array | undefined): void {
    let job = this.#found;
    if (job === undefined) {
      job = new GivenJob();
      this.#jobs.set(jobId, job);
    }
    if (order > job.order) job.order = order;
    job.add(channel, target, root);
  }

  /** Forgets closed jobs. */
  forgetBelow(floor: number): void {
    for (const [jobId, { order }] of this.#jobs) if (order < floor) this.#jobs.delete(jobId);
  }
}
