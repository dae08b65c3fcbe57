// Hashes on a thread of its own, so that the main one answers the pool at once.
import { startThread } from '@sluice/runtime/thread';
import type { HashEngine, SearchRange, SearchResult } from './hash-engine.ts';

export class ThreadEngine implements HashEngine {
  readonly sliceMs = 50;
  readonly #worker = startThread(new URL('./hash-thread.ts', import.meta.url));
  #settle: { readonly resolve: (result: SearchResult) => void; readonly reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  constructor() {
    this.#worker.on('message', (result: SearchResult) => this.#settle?.resolve(result));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the hashing thread has ended')));
  }

  search(range: SearchRange): Promise<SearchResult> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#settle = { resolve, reject };
      this.#worker.postMessage(range);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#settle?.reject(this.#failure);
  }
}
