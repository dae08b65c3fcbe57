// A number of shares in flight on each channel: every answer sends the next share. One in flight is the way of a device that waits.

import type { LoadChannel } from '../channel.ts';
import type { Kit } from '../kit.ts';
import type { MinerConnection } from '../miner-connection.ts';
import { Turns } from '../turns.ts';
import type { ShareMode } from './share-mode.ts';

export class Pipelined implements ShareMode {
  readonly skipped = 0;
  readonly #connections: readonly MinerConnection[];
  readonly #kit: Kit;
  readonly #inFlight: number;
  // Shares are made in turns: an answer that waits until those of a thousand others are made would be told of as one that came late.
  readonly #turns = new Turns<readonly [MinerConnection, LoadChannel]>(([connection, channel]) =>
    connection.serve(channel),
  );

  constructor(connections: readonly MinerConnection[], kit: Kit, inFlight: number) {
    this.#connections = connections;
    this.#kit = kit;
    this.#inFlight = inFlight;
  }

  start(): void {
    this.#kit.onAnswered = (connection, channel, count) => this.#owe(connection, channel, count);
    for (const connection of this.#connections)
      for (const channel of connection.channels) this.#owe(connection, channel, this.#inFlight);
  }

  stop(): void {
    this.#kit.onAnswered = undefined;
  }

  #owe(connection: MinerConnection, channel: LoadChannel, count: number): void {
    // Owed already: it waits for its turn, for its search or for a job.
    if (channel.owed === 0) this.#turns.add([connection, channel]);
    channel.owed += count;
  }
}
