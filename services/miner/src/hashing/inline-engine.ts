// Hashes on the calling thread in short slices: for a thread that several miners share, and for tests.
import { setImmediate } from 'node:timers/promises';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { HashEngine, SearchRange, SearchResult } from './hash-engine.ts';
import { NonceSearch } from './nonce-search.ts';

export class InlineEngine implements HashEngine {
  readonly sliceMs = 10;
  readonly #search: NonceSearch;

  constructor(sha256d: Sha256dBackend) {
    this.#search = new NonceSearch(sha256d);
  }

  async search(range: SearchRange): Promise<SearchResult> {
    // Sockets and timers of the thread get their turn before each slice.
    await setImmediate();
    return runSearch(this.#search, range);
  }

  async close(): Promise<void> {}
}

/** One search, timed. */
export function runSearch(search: NonceSearch, { header, target, first, count }: SearchRange): SearchResult {
  const nonces: number[] = [];
  const start = performance.now();
  search.search(header, target, first, count, (nonce) => nonces.push(nonce));
  return { nonces, milliseconds: performance.now() - start };
}
