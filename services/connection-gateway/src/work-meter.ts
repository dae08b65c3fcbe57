// Accepted work of a connection in the last ten minutes, in ten buckets of a minute: the order of the fan-out. An estimate is enough.

const BUCKET_MS = 60_000;
const BUCKETS = 10;

export class WorkMeter {
  /** Short enough for V8's heap. */
  readonly #buckets = new Float32Array(BUCKETS);
  #bucket: number;

  /** Time is the caller's monotonic one, in milliseconds. */
  constructor(nowMs: number) {
    this.#bucket = Math.floor(nowMs / BUCKET_MS);
  }

  /** Adds the difficulty of accepted shares. */
  add(difficulty: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#buckets[this.#bucket % BUCKETS]! += difficulty;
  }

  /** Sum of difficulties. */
  total(nowMs: number): number {
    this.#turn(nowMs);
    let sum = 0;
    for (const bucket of this.#buckets) sum += bucket;
    return sum;
  }

  #turn(nowMs: number): void {
    const now = Math.floor(nowMs / BUCKET_MS);
    if (now - this.#bucket >= BUCKETS) this.#buckets.fill(0);
    else for (let bucket = this.#bucket + 1; bucket <= now; bucket++) this.#buckets[bucket % BUCKETS] = 0;
    this.#bucket = Math.max(this.#bucket, now);
  }
}
