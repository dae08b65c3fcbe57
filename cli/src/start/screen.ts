// Paints the view: over itself on a terminal, as a line now and then elsewhere.
import type { Writable } from 'node:stream';
import type { Snapshot } from './snapshot.ts';
import { viewLine, viewLines } from './view.ts';

/** Where there is no terminal, a line this often. */
export const LINE_INTERVAL_MS = 5_000;

export interface Terminal extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

const CLEAR_TO_END_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const up = (lines: number) => (lines === 0 ? '' : `\u001b[${lines}A`);

export class Screen {
  readonly #out: Terminal;
  #rowsDrawn = 0;
  #lastLineAtMs = Number.NEGATIVE_INFINITY;

  constructor(out: Terminal) {
    this.#out = out;
  }

  /** Shows the snapshot if it is time to. */
  show(snapshot: Snapshot): void {
    if (this.#out.isTTY === true) this.#redraw(snapshot);
    else if (snapshot.nowMs - this.#lastLineAtMs >= LINE_INTERVAL_MS) {
      this.#lastLineAtMs = snapshot.nowMs;
      this.#out.write(`${new Date(snapshot.nowMs).toISOString().slice(11, 19)}  ${viewLine(snapshot)}\n`);
    }
  }

  #redraw(snapshot: Snapshot): void {
    const columns = Math.max(20, this.#out.columns ?? 80);
    // A page higher than the terminal cannot be drawn over: its end is left out.
    const lines = viewLines(snapshot, columns).slice(0, Math.max(1, (this.#out.rows ?? 24) - 2));
    const text = lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join('');
    this.#out.write(`${up(this.#rowsDrawn)}\r${text}${CLEAR_BELOW}`);
    this.#rowsDrawn = lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(line.length / columns)), 0);
  }
}
