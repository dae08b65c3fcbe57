// Answers of one connection leave in the order of its requests, although a share may be answered later than what came after it.

interface Waiting {
  /** Id of the request as JSON text; clients may use one for several. */
  readonly request: string;
  /** `undefined`: not answered yet. */
  line: string | undefined;
}

export class AnswerQueue {
  readonly #waiting: Waiting[] = [];
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Requests whose answers have not left. */
  get size(): number {
    return this.#waiting.length;
  }

  /** An answer that is there at once. */
  add(request: string, line: string): void {
    if (this.#waiting.length === 0) this.#write(line);
    else this.#waiting.push({ request, line });
  }

  /** A request whose answer comes by `settle`. */
  expect(request: string): void {
    this.#waiting.push({ request, line: undefined });
  }

  /** Answers the oldest such request that was expected; one that was not has no answer. */
  settle(request: string, line: string): void {
    const waiting = this.#waiting.find((each) => each.line === undefined && each.request === request);
    if (waiting === undefined) return;
    waiting.line = line;
    for (let first = this.#waiting[0]; first?.line !== undefined; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#write(first.line);
    }
  }
}
