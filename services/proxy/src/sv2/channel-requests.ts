// Channels come and go: Open*MiningChannel [sv2 5.3.2, 5.3.4], UpdateChannel [sv2 5.3.7] and CloseChannel [sv2 5.3.9], each decided here.
import { targetFromBytes } from '@sluice/bitcoin/target';
import type { ErrorCode } from '@sluice/sv2/error-codes';
import type { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import type { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import type { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import type { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { UpdateChannelError } from '@sluice/sv2/messages/mining/update-channel-error';
import { printable } from '@sluice/sv2/text';
import { isHashRate } from '@sluice/sv2/validate';
import type { MinerPlaces } from '../miners/miner.ts';
import { Channel, type ChannelKind, type ChannelModules } from './channel.ts';
import type { Connection } from './connection.ts';
import type { OpenErrorCode } from './counters.ts';
import { GROUP_CHANNEL_ID } from './job-group.ts';
import type { Sv2Limits } from './limits.ts';

/** Longest extranonce that the protocol has room for. */
const PROTOCOL_EXTRANONCE_BOUND = 32;
/** What an open costs of the limit of messages: it takes a place of the farm, which is given out again as late as possible. */
const OPEN_COST = 10;

type OpenMessage = OpenStandardMiningChannel | OpenExtendedMiningChannel;

export interface ChannelRequestModules extends ChannelModules {
  readonly limits: Sv2Limits;
  readonly farm: MinerPlaces;
}

export class ChannelRequests {
  readonly #modules: ChannelRequestModules;

  constructor(modules: ChannelRequestModules) {
    this.#modules = modules;
  }

  openStandard(connection: Connection, open: OpenStandardMiningChannel): void {
    this.#open(connection, open, 'standard', 0);
  }

  openExtended(connection: Connection, open: OpenExtendedMiningChannel): void {
    if (connection.requires('REQUIRES_STANDARD_JOBS'))
      this.#refuseOpen(connection, open, 'extended-channels-not-supported-for-standard-jobs');
    else if (open.minExtranonceSize > PROTOCOL_EXTRANONCE_BOUND)
      this.#refuseOpen(connection, open, 'unsupported-min-extranonce-size');
    else this.#open(connection, open, 'extended', open.minExtranonceSize);
  }

  /** Always followed by a SetTarget, and by UpdateChannel.Error first where it is refused. */
  update(connection: Connection, { channelId, nominalHashRate, maximumTarget }: UpdateChannel): void {
    this.#modules.counters.updates += 1;
    const channel = connection.channels.get(channelId);
    const maxTarget = targetFromBytes(maximumTarget);
    if (channel === undefined) refuseUpdate(connection, channelId, 'invalid-channel-id');
    else if (isHashRate(nominalHashRate) && maxTarget > 0n) channel.claim(nominalHashRate, maxTarget);
    else {
      const code = isHashRate(nominalHashRate) ? 'max-target-out-of-range' : 'invalid-nominal-hashrate';
      refuseUpdate(connection, channelId, code);
      channel.confirmTarget();
    }
  }

  /** The group's id closes all of its members. */
  close(connection: Connection, { channelId }: CloseChannel): void {
    const isGroup = channelId === GROUP_CHANNEL_ID && connection.group !== undefined;
    const closing = [...connection.channels.values()].filter(({ id }) => id === channelId || isGroup);
    if (closing.length === 0) this.#modules.counters.ignoredMessages += 1;
    for (const channel of closing) {
      connection.channels.delete(channel.id);
      channel.close();
    }
  }

  #open(connection: Connection, open: OpenMessage, kind: ChannelKind, minExtranonceSize: number): void {
    const { farm, counters } = this.#modules;
    const { requestId, userIdentity: identity, nominalHashRate: nominalHashrate } = open;
    const maxTarget = targetFromBytes(open.maxTarget);
    const refusal = this.#refusal(connection, open, maxTarget);
    if (refusal !== undefined) {
      this.#refuseOpen(connection, open, refusal);
      return;
    }
    connection.charge(OPEN_COST - 1);
    const channel = new Channel(
      connection,
      { id: connection.nextChannelId(), kind, identity, requestId },
      this.#modules,
    );
    const miner = farm.open(channel);
    if (miner === undefined || miner.extranonce2Size < minExtranonceSize) {
      miner?.close();
      const code = miner === undefined ? 'channel-capacity-exhausted' : 'min-extranonce-size-too-large';
      this.#refuseOpen(connection, open, code);
      return;
    }
    connection.channels.set(channel.id, channel);
    counters.channelsOpened += 1;
    miner.claim({ nominalHashrate, maxTarget });
    channel.start(miner);
  }

  #refusal(connection: Connection, open: OpenMessage, maxTarget: bigint): OpenErrorCode | undefined {
    const { userIdentity, nominalHashRate } = open;
    if (userIdentity === '' || printable(userIdentity) !== userIdentity) return 'invalid-user-identity';
    if (!isHashRate(nominalHashRate)) return 'invalid-nominal-hashrate';
    if (maxTarget === 0n) return 'max-target-out-of-range';
    const isFull = connection.channels.size >= this.#modules.limits.channelsPerConnection;
    return isFull ? 'channel-capacity-exhausted' : undefined;
  }

  #refuseOpen(connection: Connection, { requestId }: OpenMessage, errorCode: OpenErrorCode): void {
    this.#modules.counters.opensRefused[errorCode] += 1;
    connection.send(OpenMiningChannelError, { requestId, errorCode });
    connection.refused('OpenMiningChannel.Error', errorCode);
  }
}

function refuseUpdate(connection: Connection, channelId: number, errorCode: ErrorCode<'UpdateChannel.Error'>): void {
  connection.send(UpdateChannelError, { channelId, errorCode });
  connection.refused('UpdateChannel.Error', errorCode);
}
