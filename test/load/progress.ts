// What is going on, for whoever waits: a line that is written over on a terminal, a line now and then elsewhere.
import type { Fleet } from './fleet.ts';

const EVERY_MS = 1_000;
const LINES_EVERY = 10;

export class ProgressLine {
  readonly #fleet: Fleet;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  #what = '';
  #ticks = 0;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#timer = setInterval(() => this.#tick(), EVERY_MS);
  }

  /** What begins now. */
  say(what: string): void {
    this.#what = what;
    if (!process.stderr.isTTY) process.stderr.write(`${what}\n`);
  }

  end(): void {
    clearInterval(this.#timer);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }

  #tick(): void {
    this.#ticks += 1;
    const { open, sent, acknowledged, refused } = this.#fleet.progress;
    const seconds = Math.round((performance.now() - this.#startedAt) / 1_000);
    const shares = sent === 0 ? '' : `, ${sent} shares sent, ${acknowledged} acknowledged, ${refused} refused`;
    const line = `${seconds} s: ${this.#what}: ${open} connections open${shares}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
    else if (this.#ticks % LINES_EVERY === 0) process.stderr.write(`${line}\n`);
  }
}
