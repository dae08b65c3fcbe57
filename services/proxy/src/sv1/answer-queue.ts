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
    const waiting = this.#waiting;
    const [oldest] = waiting;
    // Nearly always: the answers come in the order of the requests.
    if (oldest?.line === undefined && oldest?.request === request) {
      waiting.shift();
      this.#write(line);
    } else {
      const later = waiting.find((each) => each.line === undefined && each.request === request);
      if (later !== undefined) later.line = line;
    }
    for (let next = waiting[0]; next?.line !== undefined; next = waiting[0]) {
      waiting.shift();
      this.#write(next.line);
    }
  }
}
