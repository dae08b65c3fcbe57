// A steady rate over all channels, each in its turn, whatever the pool answers.
import type { LoadChannel } from '../channel.ts';
import { monotonicMs } from '../measure/monotonic.ts';
import type { MinerConnection } from '../miner-connection.ts';
import { Pacer } from '../pacer.ts';
import type { ShareMode } from './share-mode.ts';

const TICK_MS = 1;

export class Paced implements ShareMode {
  readonly #channels: readonly (readonly [MinerConnection, LoadChannel])[];
  readonly #pacer: Pacer;
  #timer: NodeJS.Timeout | undefined;
  #next = 0;
  /** Nobody could send them. */
  #left = 0;

  constructor(connections: readonly MinerConnection[], perSecond: number, startAt: number) {
    this.#channels = connections.flatMap((connection) =>
      connection.channels.map((channel) => [connection, channel] as const),
    );
    this.#pacer = new Pacer(perSecond, startAt);
  }

  get skipped(): number {
    return this.#pacer.skipped + this.#left;
  }

  start(): void {
    this.#timer = setInterval(() => {
      for (let due = this.#pacer.due(monotonicMs()); due > 0; due--) this.#send();
    }, TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The next channel that can take it, so that the rate is kept when some are away. */
  #send(): void {
    for (let tries = 0; tries < this.#channels.length; tries++) {
      const [connection, channel] = this.#channels[this.#next++ % this.#channels.length]!;
      if (!connection.isOpen || connection.isCongested || !channel.work.hasJob || channel.owed > 0) continue;
      channel.owed = 1;
      connection.serve(channel);
      return;
    }
    this.#left += 1;
  }
}
