// Work that would keep sockets and timers from their turn if it were done in one go: so much of it at a time, the oldest first.

/** What sockets and timers may have to wait for. */
const TURN_MS = 2;

export class Turns<Item> {
  readonly #waiting: Item[] = [];
  readonly #take: (item: Item) => void;
  #scheduled = false;

  /** @param take works on one; it may add it again, and goes on with it behind all others. */
  constructor(take: (item: Item) => void) {
    this.#take = take;
  }

  add(item: Item): void {
    this.#waiting.push(item);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#next);
  }

  readonly #next = (): void => {
    const until = performance.now() + TURN_MS;
    for (let left = this.#waiting.length; left > 0; left--) {
      this.#take(this.#waiting.shift()!);
      if (performance.now() > until) break;
    }
    this.#scheduled = this.#waiting.length > 0;
    if (this.#scheduled) setImmediate(this.#next);
  };
}
