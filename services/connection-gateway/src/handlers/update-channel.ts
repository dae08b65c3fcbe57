// UpdateChannel [sv2 5.3.7]: always followed by a SetTarget, as deployed clients expect, and by UpdateChannel.Error first where it is
// refused. Without an answer of the channel-manager the policy of the opening goes on.
import { targetFromBytes } from '@sluice/bitcoin/target';
import { hashesOfTarget } from '@sluice/mining/vardiff-difficulty';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { errorCodes } from '@sluice/sv2/error-codes';
import type { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { UpdateChannelError } from '@sluice/sv2/messages/mining/update-channel-error';
import { isHashRate } from '@sluice/sv2/validate';
import type { ChannelManagerClient } from '../channel-manager-client.ts';
import type { ChannelTargets } from '../channel-targets.ts';
import type { GatewayChannel } from '../channels.ts';
import type { Connection } from '../connection.ts';
import type { GatewayCounters, UpdateErrorCode } from '../counters.ts';

/** A miner waits for its SetTarget: one attempt. */
const UPDATE_DEADLINE_MS = 1_000;
/** What an update costs of the limit of messages: it asks another service. */
const UPDATE_COST = 10;

export interface UpdateChannelModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: GatewayCounters;
  readonly channelManager: ChannelManagerClient;
  readonly targets: ChannelTargets;
  readonly incarnation: bigint;
}

export class UpdateChannelHandler {
  readonly #modules: UpdateChannelModules;
  /** Channels whose update is with the channel-manager, and the newest that came meanwhile: the only one that still matters. */
  readonly #asking = new Map<GatewayChannel, UpdateChannel | undefined>();

  constructor(modules: UpdateChannelModules) {
    this.#modules = modules;
  }

  handle(connection: Connection, update: UpdateChannel): void {
    this.#modules.counters.updates += 1;
    const channel = connection.channels.get(update.channelId);
    if (channel === undefined) this.#refuse(connection, update.channelId, 'invalid-channel-id');
    else if (!isHashRate(update.nominalHashRate)) this.#refuseAndConfirm(channel, 'invalid-nominal-hashrate');
    else if (targetFromBytes(update.maximumTarget) === 0n) this.#refuseAndConfirm(channel, 'max-target-out-of-range');
    else if (this.#asking.has(channel)) this.#asking.set(channel, update);
    else {
      connection.charge(UPDATE_COST - 1);
      void this.#askInTurn(channel, update);
    }
  }

  async #askInTurn(channel: GatewayChannel, first: UpdateChannel): Promise<void> {
    for (let update: UpdateChannel | undefined = first; update !== undefined && !channel.closed; ) {
      this.#asking.set(channel, undefined);
      try {
        await this.#ask(channel, update);
      } catch (error) {
        this.#modules.log.error(
          { connection: channel.connection.id, reason: messageOf(error) },
          'UpdateChannel failed',
        );
        if (!channel.closed) this.#modules.targets.confirm(channel);
      }
      update = this.#asking.get(channel);
    }
    this.#asking.delete(channel);
  }

  async #ask(channel: GatewayChannel, update: UpdateChannel): Promise<void> {
    const { channelManager, incarnation } = this.#modules;
    const maxTarget = targetFromBytes(update.maximumTarget);
    const request = {
      incarnation,
      connectionId: channel.connection.id,
      channelId: channel.id,
      nominalHashrate: update.nominalHashRate,
      maxTarget,
    };
    const reply = await channelManager.update(request, UPDATE_DEADLINE_MS);
    if (channel.closed) return;
    if (reply !== undefined && reply.errorCode !== '') {
      const known = reply.errorCode in errorCodes['UpdateChannel.Error'];
      this.#refuseAndConfirm(channel, known ? (reply.errorCode as UpdateErrorCode) : 'max-target-out-of-range');
      return;
    }
    if (reply !== undefined) channel.bounds = { hardest: reply.minTarget, easiest: reply.maxTarget };
    else if (maxTarget < channel.bounds.hardest) {
      this.#refuseAndConfirm(channel, 'max-target-out-of-range');
      return;
    }
    this.#apply(channel, update.nominalHashRate, maxTarget);
  }

  #apply(channel: GatewayChannel, nominalHashrate: number, maxTarget: bigint): void {
    const { clock, targets } = this.#modules;
    const { hardest, easiest } = channel.bounds;
    const within = maxTarget < easiest ? maxTarget : easiest;
    channel.bounds = { hardest, easiest: within };
    const difficulty = channel.vardiff.onUpdateChannel(
      clock.monotonic(),
      nominalHashrate,
      hashesOfTarget(within),
      hashesOfTarget(hardest < within ? hardest : within),
    );
    // Between two targets may lie less than a difficulty tells.
    if (difficulty === undefined && channel.mining.target.value <= within) targets.confirm(channel);
    else targets.apply(channel, difficulty ?? channel.vardiff.announced);
  }

  #refuseAndConfirm(channel: GatewayChannel, code: UpdateErrorCode): void {
    this.#refuse(channel.connection, channel.id, code);
    this.#modules.targets.confirm(channel);
  }

  #refuse(connection: Connection, channelId: number, errorCode: UpdateErrorCode): void {
    this.#modules.counters.updatesRefused[errorCode] += 1;
    connection.send(UpdateChannelError, { channelId, errorCode });
    connection.refused('UpdateChannel.Error', errorCode);
  }
}
