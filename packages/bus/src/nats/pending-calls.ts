// Calls that end with their connection. Each enters and leaves by itself: a race with one promise that lives as long as the
// connection would keep something of every call until the connection is lost.

export class PendingCalls {
  readonly #rejecters = new Set<(error: unknown) => void>();

  get size(): number {
    return this.#rejecters.size;
  }

  /** As `call`, unless `rejectAll` comes first; what becomes of `call` is then of no interest. */
  add<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#rejecters.add(reject);
      call.then(
        (value) => {
          this.#rejecters.delete(reject);
          resolve(value);
        },
        (error: unknown) => {
          this.#rejecters.delete(reject);
          reject(error);
        },
      );
    });
  }

  rejectAll(error: unknown): void {
    for (const reject of this.#rejecters) reject(error);
    this.#rejecters.clear();
  }
}
