// Asks vardiff about every channel once a second, a tenth of the connections at a time: ten thousand channels at once would be felt.
import type { ChannelTargets } from './channel-targets.ts';
import type { Connection } from './connection.ts';

/** How often `tick` is to be called. */
export const VARDIFF_TICK_MS = 100;
const SLOTS = 10;

export class VardiffTicker {
  readonly #connections: ReadonlyMap<number, Connection>;
  readonly #targets: ChannelTargets;
  #slot = 0;

  constructor(connections: ReadonlyMap<number, Connection>, targets: ChannelTargets) {
    this.#connections = connections;
    this.#targets = targets;
  }

  /** `nowMs` is the monotonic clock's. */
  tick(nowMs: number): void {
    this.#slot = (this.#slot + 1) % SLOTS;
    for (const connection of this.#connections.values()) {
      if (connection.id % SLOTS !== this.#slot || connection.state !== 'open') continue;
      for (const channel of connection.channels) this.#targets.tick(channel, nowMs);
    }
  }
}
