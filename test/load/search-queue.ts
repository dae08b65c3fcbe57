// Channels whose share takes more hashes than one turn has.
import type { LoadChannel } from './channel.ts';
import type { MinerConnection } from './miner-connection.ts';
import { Turns } from './turns.ts';

export class SearchQueue {
  readonly #turns = new Turns<readonly [MinerConnection, LoadChannel]>(([connection, channel]) => {
    channel.searching = false;
    connection.search(channel);
  });

  add(connection: MinerConnection, channel: LoadChannel): void {
    if (channel.searching) return;
    channel.searching = true;
    this.#turns.add([connection, channel]);
  }
}
