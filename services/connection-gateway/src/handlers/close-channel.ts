// CloseChannel [sv2 5.3.9], from a miner or, by an operator's order, to one. The group's id closes all of its members.
import type { ShareLanes, WaitingShare } from '@sluice/mining/share-lanes';
import type { Logger } from '@sluice/runtime/logger';
import { REFUSAL_COST } from '@sluice/server/peer-socket';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { printable } from '@sluice/sv2/text';
import type { ChannelPlaces } from '../channel-places.ts';
import type { ChannelRegister } from '../channel-register.ts';
import type { GatewayChannel } from '../channels.ts';
import type { Connection } from '../connection.ts';
import type { GatewayCounters } from '../counters.ts';
import type { Payouts } from '../paid-jobs.ts';
import type { VardiffTicker } from '../vardiff-ticker.ts';

export interface CloseChannelModules {
  readonly register: ChannelRegister;
  readonly log: Logger;
  readonly counters: GatewayCounters;
  readonly payouts: Payouts;
  readonly places: ChannelPlaces;
  readonly vardiff: VardiffTicker;
  /** Shares that the channels have sent before. */
  readonly lanes: Pick<ShareLanes<WaitingShare>, 'flush'>;
}

export class CloseChannelHandler {
  readonly #modules: CloseChannelModules;

  constructor(modules: CloseChannelModules) {
    this.#modules = modules;
  }

  fromMiner(connection: Connection, { channelId }: CloseChannel): void {
    const channel = connection.channels.get(channelId);
    const closing = channel === undefined ? membersOf(connection, channelId) : [channel];
    if (closing.length === 0) {
      // All channels of the connection were looked at for it.
      connection.charge(REFUSAL_COST - 1);
      this.#modules.counters.ignoredMessages += 1;
      this.#modules.log.debug({ connection: connection.id, channelId }, 'CloseChannel for no channel was ignored');
    }
    for (const channel of closing) this.#forget(channel);
  }

  /** False: there is no such channel (any more). */
  byOperator(connection: Connection, channelId: number, reasonCode: string): boolean {
    const channel = connection.channels.get(channelId);
    if (channel === undefined) return false;
    this.#modules.lanes.flush();
    // Printable ASCII [sv2 3.1], of which each is a byte.
    const reason = printable(reasonCode).replace(/[^\x20-\x7e]/g, '?');
    connection.send(CloseChannel, { channelId, reasonCode: reason.slice(0, 255) });
    this.#forget(channel);
    return true;
  }

  /** The connection is gone, and with it all of its channels. */
  allOf(connection: Connection): void {
    this.#modules.lanes.flush();
    for (const channel of connection.channels) this.#forget(channel);
  }

  #forget(channel: GatewayChannel): void {
    const { register, payouts, places, vardiff } = this.#modules;
    const { paid } = channel.group;
    channel.closed = true;
    channel.connection.channels.remove(channel);
    places.release(channel.connection.addressKey);
    if (paid !== undefined) payouts.release(paid);
    register.remove(channel);
    vardiff.remove(channel);
  }
}

function membersOf({ channels }: Connection, groupId: number): readonly GatewayChannel[] {
  return [...channels].filter(({ group }) => group.id === groupId);
}
