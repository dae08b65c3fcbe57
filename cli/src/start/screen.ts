// Paints the view: over itself on a terminal, as a line now and then elsewhere.
import type { Writable } from 'node:stream';
import type { BlockSeen, Snapshot } from './snapshot.ts';
import { blockLine, viewLine, viewLines } from './view.ts';

/** Where there is no terminal, a line this often. */
export const LINE_INTERVAL_MS = 5_000;
/** Of a terminal that does not tell its size. */
const COLUMNS = 80;
const ROWS = 24;

export interface Terminal extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

const CLEAR_TO_END_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const CLEAR_ALL = '\u001b[2J\u001b[H';
const up = (lines: number) => (lines === 0 ? '' : `\u001b[${lines}A`);

export class Screen {
  readonly #out: Terminal;
  #rowsDrawn = 0;
  #lastLineAtMs = Number.NEGATIVE_INFINITY;
  /** What was drawn has been wrapped anew: where it begins is not known any more. */
  #resized = false;
  readonly #onResize = () => {
    this.#resized = true;
  };

  constructor(out: Terminal) {
    this.#out = out;
    out.on('resize', this.#onResize);
  }

  /** Shows the snapshot if it is time to. */
  show(snapshot: Snapshot): void {
    if (this.#out.isTTY === true) this.#redraw(snapshot);
    else if (snapshot.nowMs - this.#lastLineAtMs >= LINE_INTERVAL_MS) {
      this.#lastLineAtMs = snapshot.nowMs;
      this.#writeLine(snapshot.nowMs, viewLine(snapshot));
    }
  }

  /** A line for a block, at once; on a terminal the page has it. */
  showBlock(block: BlockSeen): void {
    if (this.#out.isTTY !== true) this.#writeLine(block.atMs, blockLine(block));
  }

  close(): void {
    this.#out.off('resize', this.#onResize);
  }

  #writeLine(atMs: number, line: string): void {
    this.#out.write(`${new Date(atMs).toISOString().slice(11, 19)}Z  ${line}\n`);
  }

  #redraw(snapshot: Snapshot): void {
    const columns = Math.max(20, this.#out.columns || COLUMNS);
    // A page higher than the terminal cannot be drawn over: its end is left out.
    const rows = Math.max(1, (this.#out.rows || ROWS) - 2);
    const lines: string[] = [];
    let drawn = 0;
    for (const line of viewLines(snapshot, columns)) {
      drawn += rowsOf(line, columns);
      if (drawn > rows) break;
      lines.push(line);
    }
    const text = lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join('');
    this.#out.write(`${this.#resized ? CLEAR_ALL : `${up(this.#rowsDrawn)}\r`}${text}${CLEAR_BELOW}`);
    this.#resized = false;
    this.#rowsDrawn = lines.reduce((total, line) => total + rowsOf(line, columns), 0);
  }
}

function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(line.length / columns));
}
