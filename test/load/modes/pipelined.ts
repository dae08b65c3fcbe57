// A number of shares in flight on each channel: every answer sends the next share. One in flight is the way of a device that waits.

import type { Kit } from '../kit.ts';
import type { MinerConnection } from '../miner-connection.ts';
import type { ShareMode } from './share-mode.ts';

export class Pipelined implements ShareMode {
  readonly skipped = 0;
  readonly #connections: readonly MinerConnection[];
  readonly #kit: Kit;
  readonly #inFlight: number;

  constructor(connections: readonly MinerConnection[], kit: Kit, inFlight: number) {
    this.#connections = connections;
    this.#kit = kit;
    this.#inFlight = inFlight;
  }

  start(): void {
    this.#kit.onAnswered = (connection, channel, count) => {
      channel.owed += count;
      connection.serve(channel);
    };
    for (const connection of this.#connections)
      for (const channel of connection.channels) {
        channel.owed = this.#inFlight;
        connection.serve(channel);
      }
  }

  stop(): void {
    this.#kit.onAnswered = undefined;
  }
}
