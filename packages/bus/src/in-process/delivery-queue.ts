// Runs deliveries one after the other, never inside the call that caused them, and lets the event loop breathe in a flood.

/** Deliveries that may wait; what is at most once anyway is dropped beyond. */
export const WAITING_BOUND = 65_536;
/** Deliveries in one go before sockets and timers get their turn. */
const MAX_IN_A_ROW = 256;

export class DeliveryQueue {
  readonly #onError: (error: unknown) => void;
  #calls: (() => void)[] = [];
  #scheduled = false;
  #dropped = 0;

  /** `onError` gets what a handler throws: the next one is called all the same. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get waiting(): number {
    return this.#calls.length;
  }

  /** How often `offer` said no. */
  get dropped(): number {
    return this.#dropped;
  }

  /** For a delivery that may be lost: dropped when too many wait. */
  offer(call: () => void): void {
    if (this.#calls.length < WAITING_BOUND) this.add(call);
    else this.#dropped += 1;
  }

  /** For one that must be made: requests and changes of keys, which are as many as somebody waits for. */
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
