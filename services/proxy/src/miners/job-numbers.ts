// Numbers of jobs and tips, the same row for all feeds: a miner that goes from one to another never meets one twice.

export class JobNumbers {
  #job = 0;
  #tip = 0;

  /** The next job: u32, not 0. */
  job(): number {
    this.#job = (this.#job + 1) >>> 0 || 1;
    return this.#job;
  }

  /** The next tip: higher than any before. */
  tip(): number {
    this.#tip += 1;
    return this.#tip;
  }

  get lastTip(): number {
    return this.#tip;
  }
}
