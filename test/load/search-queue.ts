// Channels whose share takes more hashes than one turn has: each goes on when sockets and timers had theirs.
import type { LoadChannel } from './channel.ts';
import type { MinerConnection } from './miner-connection.ts';

/** What sockets and timers may have to wait for. */
const TURN_MS = 2;

export class SearchQueue {
  readonly #waiting: (readonly [MinerConnection, LoadChannel])[] = [];
  #scheduled = false;

  add(connection: MinerConnection, channel: LoadChannel): void {
    if (channel.searching) return;
    channel.searching = true;
    this.#waiting.push([connection, channel]);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#next);
  }

  readonly #next = (): void => {
    const until = performance.now() + TURN_MS;
    // Whoever is not done goes to the end.
    for (let left = this.#waiting.length; left > 0; left--) {
      const [connection, channel] = this.#waiting.shift()!;
      channel.searching = false;
      connection.search(channel);
      if (performance.now() > until) break;
    }
    this.#scheduled = this.#waiting.length > 0;
    if (this.#scheduled) setImmediate(this.#next);
  };
}
