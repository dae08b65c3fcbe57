// Runs deliveries one after the other, never inside the call that caused them, and lets the event loop breathe in a flood.

/** Deliveries in one go before sockets and timers get their turn. */
const MAX_IN_A_ROW = 256;

export class DeliveryQueue {
  readonly #onError: (error: unknown) => void;
  #calls: (() => void)[] = [];
  #scheduled = false;

  /** `onError` gets what a handler throws: the next one is called all the same. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  readonly add = (call: () => void): void => {
    this.#calls.push(call);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#run);
  };

  readonly #run = (): void => {
    const calls = this.#calls;
    let done = 0;
    while (done < calls.length && done < MAX_IN_A_ROW) {
      try {
        (calls[done++] as () => void)();
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#calls = calls.slice(done);
    this.#scheduled = this.#calls.length > 0;
    if (this.#scheduled) setImmediate(this.#run);
  };
}
