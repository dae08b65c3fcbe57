// Turns at something that only so many may do at once. Whoever has to wait is taken in turn by whom they belong to, so that one who asks
// for thousands is waited for by himself alone.

export class Turns<Owner> {
  #free: number;
  /** An owner who got a turn goes behind the others. */
  readonly #waiting = new Map<Owner, (() => void)[]>();

  /** @param count turns that are taken at the same time. */
  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves when it is this one's turn, which ends with `give`. */
  async take(owner: Owner): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve) => {
      const queue = this.#waiting.get(owner);
      if (queue === undefined) this.#waiting.set(owner, [resolve]);
      else queue.push(resolve);
    });
  }

  /** Ends a turn: the next one's begins. */
  give(): void {
    const next = this.#waiting.entries().next();
    if (next.done === true) {
      this.#free += 1;
      return;
    }
    const [owner, queue] = next.value;
    const begin = queue.shift();
    this.#waiting.delete(owner);
    if (queue.length > 0) this.#waiting.set(owner, queue);
    begin?.();
  }
}
