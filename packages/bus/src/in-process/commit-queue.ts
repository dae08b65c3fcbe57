// Group commit: whatever arrives while one commit is under way goes out together with the next. After one failure nothing is
// accepted any more, because what the kernel kept of a failed sync is unknown. It has no bound of its own: a stream refuses appends beyond
// `PENDING_BYTES_BOUND`, and who writes a bucket waits for each write or, as the registry of channels, has a bound.
import { BusError } from '../errors.ts';

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: BusError) => void;
}

export class CommitQueue<T> {
  readonly #commit: (items: readonly T[]) => Promise<void>;
  #waiting: Waiting<T>[] = [];
  #running: Promise<void> | undefined;
  #failure: BusError | undefined;

  /** `commit` stores all items, in order, or throws; it is never called while a call is under way. */
  constructor(commit: (items: readonly T[]) => Promise<void>) {
    this.#commit = commit;
  }

  get failure(): BusError | undefined {
    return this.#failure;
  }

  /** Resolves when the item is stored; in the order of the calls. */
  add(item: T): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    // Behind the calls of this turn: they all share the first commit.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#commit(group.map(({ item }) => item));
      } catch (cause) {
        this.#failure = new BusError('bus-storage-failed', String(cause), cause);
        for (const { reject } of [...group, ...this.#waiting]) reject(this.#failure);
        this.#waiting = [];
        break;
      }
      for (const { resolve } of group) resolve();
    }
    this.#running = undefined;
  }

  /** Waits for what was added; later items are refused with `bus-closed`. */
  async close(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#failure ??= new BusError('bus-closed', 'the log is closed');
  }
}
