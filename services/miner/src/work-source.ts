// The work of all channels of a connection, for hashing loops that take it in turns: no channel waits longer than the others.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientChannel } from './channel.ts';
import { SearchSpace, type SearchSpaceOptions } from './search-space.ts';

export class WorkSource {
  /** By channel id, in the order of the turns. */
  readonly #spaces = new Map<number, SearchSpace>();
  #waiting = new AbortController();

  /** Takes the work that is now in force on a channel; none when it was closed. */
  update(channel: ClientChannel, options: SearchSpaceOptions): void {
    const { work } = channel;
    if (work === undefined) this.#spaces.delete(channel.id);
    else if (this.#spaces.get(channel.id)?.work !== work) this.#spaces.set(channel.id, new SearchSpace(work, options));
    this.#waiting.abort();
    this.#waiting = new AbortController();
  }

  clear(): void {
    this.#spaces.clear();
  }

  /** Whose turn it is. */
  next(): SearchSpace | undefined {
    for (const [id, space] of this.#spaces) {
      this.#spaces.delete(id);
      this.#spaces.set(id, space);
      return space;
    }
    return undefined;
  }

  /** Whether shares of this work may still be sent. */
  holds(space: SearchSpace): boolean {
    return this.#spaces.get(space.work.channel.id) === space;
  }

  /** Resolves when there is other work, or after `milliseconds`. */
  async changed(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#waiting.signal }).catch(() => undefined);
  }
}
