// Where work waits its turn: a core, a disk, a stream's leader. First come, first served, by one or more servers that never stop in the middle.
import type { Simulation } from './simulation.ts';

interface Job {
  readonly seconds: number;
  readonly askedAt: number;
  readonly done: (() => void) | undefined;
}

export class Station {
  readonly #simulation: Simulation;
  readonly #servers: number;
  readonly #waiting: Job[] = [];
  #head = 0;
  #busy = 0;
  /** Seconds that servers worked in each second since the beginning. */
  readonly busyIn: number[] = [];
  /** Longest time that a job waited for its turn, by the second in which its turn came. */
  readonly longestWaitIn: number[] = [];

  constructor(simulation: Simulation, servers = 1) {
    this.#simulation = simulation;
    this.#servers = servers;
  }

  /** Jobs that wait; those that are served are not among them. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  /** Seconds that its servers worked, or will have when what they are at is done. */
  get busySeconds(): number {
    return this.busyIn.reduce((sum, seconds) => sum + (seconds ?? 0), 0);
  }

  /** @param done called when the work is over */
  submit(seconds: number, done?: () => void): void {
    const job = { seconds, askedAt: this.#simulation.now, done };
    if (this.#busy < this.#servers) this.#serve(job);
    else this.#waiting.push(job);
  }

  #serve({ seconds, askedAt, done }: Job): void {
    this.#busy += 1;
    this.#note(seconds, this.#simulation.now - askedAt);
    this.#simulation.after(seconds, () => {
      this.#busy -= 1;
      const next = this.#next();
      if (next !== undefined) this.#serve(next);
      done?.();
    });
  }

  #next(): Job | undefined {
    const job = this.#waiting[this.#head];
    if (job === undefined) return undefined;
    this.#head += 1;
    // Now and then, because to shift an array of thousands costs as much as all else.
    if (this.#head > 1_024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    return job;
  }

  #note(seconds: number, waited: number): void {
    let from = this.#simulation.now;
    const end = from + seconds;
    let second = Math.floor(from);
    this.longestWaitIn[second] = Math.max(this.longestWaitIn[second] ?? 0, waited);
    for (; from < end; second += 1) {
      const to = Math.min(end, second + 1);
      this.busyIn[second] = (this.busyIn[second] ?? 0) + to - from;
      from = to;
    }
  }
}
