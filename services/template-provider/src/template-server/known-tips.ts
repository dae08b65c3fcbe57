// The tips that a server has told: its only word on what became of a block.

/** Hashes that are remembered; the one told first goes at the bound. */
export const KNOWN_TIPS_BOUND = 256;

export class KnownTips {
  readonly #known = new Set<string>();
  readonly #awaited = new Map<string, Set<() => void>>();

  /** @param hash of a block, 32 bytes, wire order. */
  add(hash: Uint8Array): void {
    const key = keyOf(hash);
    this.#known.add(key);
    const [oldest] = this.#known;
    if (this.#known.size > KNOWN_TIPS_BOUND && oldest !== undefined) this.#known.delete(oldest);
    for (const told of this.#awaited.get(key) ?? []) told();
  }

  has(hash: Uint8Array): boolean {
    return this.#known.has(keyOf(hash));
  }

  /** Resolves with true when the tip is told, with false when it was not within so many milliseconds, or the signal came. */
  until(hash: Uint8Array, ms: number, signal: AbortSignal): Promise<boolean> {
    const key = keyOf(hash);
    return new Promise((resolve) => {
      const waiting = this.#awaited.get(key) ?? new Set();
      const settle = (told: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        waiting.delete(onTold);
        if (waiting.size === 0) this.#awaited.delete(key);
        resolve(told);
      };
      const onTold = () => settle(true);
      const onAbort = () => settle(false);
      const timer = setTimeout(onAbort, ms);
      this.#awaited.set(key, waiting.add(onTold));
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
    });
  }
}

const keyOf = (hash: Uint8Array) => Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('base64');
