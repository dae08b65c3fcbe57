// The last log lines, for the live view: a log that wrote to the terminal itself would tear it.
import { Writable } from 'node:stream';

/** Lines kept. */
export const NOTICES_BOUND = 6;

export class Notices {
  readonly #lines: string[] = [];

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** What a logger writes its lines of text to. */
  readonly destination = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      for (const line of chunk.split('\n')) if (line.trim() !== '') this.#lines.push(line);
      this.#lines.splice(0, Math.max(0, this.#lines.length - NOTICES_BOUND));
      done();
    },
  });
}
