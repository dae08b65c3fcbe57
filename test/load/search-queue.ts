// Channels whose share takes more hashes than one turn has: each goes on when sockets and timers had theirs.
import type { LoadChannel } from './channel.ts';
import type { LoadConnection } from './connection.ts';

export class SearchQueue {
  readonly #waiting: (readonly [LoadConnection, LoadChannel])[] = [];

  add(connection: LoadConnection, channel: LoadChannel): void {
    if (channel.searching) return;
    channel.searching = true;
    if (this.#waiting.push([connection, channel]) === 1) setImmediate(this.#next);
  }

  readonly #next = (): void => {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const [connection, channel] = next;
    if (this.#waiting.length > 0) setImmediate(this.#next);
    channel.searching = false;
    connection.serve(channel);
  };
}
