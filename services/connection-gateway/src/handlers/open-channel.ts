// Open*MiningChannel [sv2 5.3.2, 5.3.4]: what the gateway can decide itself, then one question to the channel-manager, then the
// channel with its first work. The answer comes first on the wire, and before it nothing for the new channel.
import { displayHash } from '@sluice/bitcoin/display';
import { targetFromBytes } from '@sluice/bitcoin/target';
import { channelKinds, type OpenReply, PAYS_POOL } from '@sluice/bus/payloads/channel';
import { MiningChannel } from '@sluice/mining/channel';
import { EXTENDED_EXTRANONCE_SIZE, type ExtranonceRange, standardPrefix } from '@sluice/mining/extranonce';
import { clampTarget, shareTarget } from '@sluice/mining/share-target';
import { Vardiff } from '@sluice/mining/vardiff';
import { hashesOfTarget } from '@sluice/mining/vardiff-difficulty';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { ShareAnswerFrames } from '@sluice/server/share-answer-frames';
import { errorCodes } from '@sluice/sv2/error-codes';
import type { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import type { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { printable } from '@sluice/sv2/text';
import { isHashRate } from '@sluice/sv2/validate';
import type { ChannelManagerClient } from '../channel-manager-client.ts';
import type { ChannelPlaces } from '../channel-places.ts';
import type { ChannelRegister } from '../channel-register.ts';
import { GatewayChannel, type JobGroup } from '../channels.ts';
import type { Connection } from '../connection.ts';
import type { GatewayCounters, OpenErrorCode, OpenLimit } from '../counters.ts';
import type { FanOut } from '../fan-out.ts';
import type { GatewayLimits } from '../limits.ts';
import { OpenQuestions } from '../open-questions.ts';
import type { Payouts } from '../paid-jobs.ts';
import { difficultyForLog } from '../peer-log.ts';
import type { VardiffTicker } from '../vardiff-ticker.ts';

/** Longest extranonce that the protocol has room for. */
const PROTOCOL_EXTRANONCE_BOUND = 32;
/** What an open costs of the limit of messages: it uses up a prefix and asks another service. */
const OPEN_COST = 10;

export interface OpenChannelModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: GatewayLimits;
  readonly counters: GatewayCounters;
  readonly channelManager: ChannelManagerClient;
  readonly register: ChannelRegister;
  readonly extranonces: ExtranonceRange;
  readonly payouts: Payouts;
  readonly places: ChannelPlaces;
  readonly vardiff: VardiffTicker;
  readonly answers: ShareAnswerFrames;
  readonly fanOut: FanOut;
}

type OpenMessage = OpenStandardMiningChannel | OpenExtendedMiningChannel;
type Opened = Extract<OpenReply, { kind: 'opened' }>;

export class OpenChannelHandler {
  readonly #modules: OpenChannelModules;
  readonly #questions: OpenQuestions;
  #lastKey = 0;

  constructor(modules: OpenChannelModules) {
    const { channelManager, limits } = modules;
    this.#modules = modules;
    this.#questions = new OpenQuestions((wanted) => channelManager.open(wanted, limits.openDeadlineMs));
  }

  standard(connection: Connection, open: OpenStandardMiningChannel): void {
    const refusal = connection.requires('REQUIRES_WORK_SELECTION')
      ? 'standard-channels-not-supported-for-custom-work'
      : undefined;
    this.#decide(connection, open, channelKinds.standard, refusal);
  }

  extended(connection: Connection, open: OpenExtendedMiningChannel): void {
    let refusal: OpenErrorCode | undefined;
    if (connection.requires('REQUIRES_STANDARD_JOBS')) refusal = 'extended-channels-not-supported-for-standard-jobs';
    else if (open.minExtranonceSize > PROTOCOL_EXTRANONCE_BOUND) refusal = 'unsupported-min-extranonce-size';
    else if (open.minExtranonceSize > EXTENDED_EXTRANONCE_SIZE) refusal = 'min-extranonce-size-too-large';
    this.#decide(connection, open, channelKinds.extended, refusal);
  }

  #decide(connection: Connection, open: OpenMessage, kind: number, kindRefusal: OpenErrorCode | undefined): void {
    const refusal = kindRefusal ?? refusalOf(open);
    if (refusal !== undefined) {
      this.#refuse(connection, open, refusal);
      return;
    }
    const limit = this.#limitAt(connection);
    if (limit !== undefined) {
      this.#refuseAt(limit, connection, open);
      return;
    }
    const { places } = this.#modules;
    connection.charge(OPEN_COST - 1);
    connection.channels.pending += 1;
    places.take(connection.addressKey);
    const channelId = connection.channels.nextId();
    void this.#ask(connection, open, kind, channelId)
      .catch((error: unknown) => {
        this.#modules.log.error(
          { connection: connection.id, reason: messageOf(error) },
          'a channel could not be opened',
        );
        this.#refuse(connection, open, 'pool-unavailable');
        return false;
      })
      .then((isOpened) => {
        connection.channels.pending -= 1;
        if (!isOpened) places.release(connection.addressKey);
      });
  }

  /** Which bound leaves no room for one more channel. */
  #limitAt({ channels, addressKey }: Connection): OpenLimit | undefined {
    const { limits, extranonces, places } = this.#modules;
    if (channels.size + channels.pending >= limits.channelsPerConnection) return 'connection';
    if (channels.pending >= limits.pendingOpensPerConnection) return 'pending';
    return places.fullFor(addressKey) ?? (extranonces.left === 0 ? 'prefixes' : undefined);
  }

  /** Resolves with whether the channel was opened; its place is then its own. */
  async #ask(connection: Connection, open: OpenMessage, kind: number, channelId: number): Promise<boolean> {
    const { userIdentity: identity, nominalHashRate: nominalHashrate } = open;
    const wanted = { identity, nominalHashrate, maxTarget: targetFromBytes(open.maxTarget) };
    const reply = await this.#questions.about(wanted, connection.id);
    // What is under way is for the channels before this one, which begins with what is current.
    this.#modules.fanOut.catchUp(connection);
    if (!connection.isLive) return false;
    if (reply?.kind === 'opened') return this.#open(connection, open, kind, channelId, reply);
    this.#refuse(connection, open, reply === undefined ? 'pool-unavailable' : knownCode(reply.errorCode));
    return false;
  }

  #open(connection: Connection, open: OpenMessage, kind: number, channelId: number, reply: Opened): boolean {
    const { extranonces, counters, register, vardiff, fanOut } = this.#modules;
    const prefix = extranonces.next();
    const group = prefix && this.#groupFor(connection, reply);
    if (prefix === undefined || group === undefined) {
      this.#refuseAt(prefix === undefined ? 'prefixes' : 'payouts', connection, open);
      return false;
    }
    const channel = this.#create(connection, open, kind, channelId, reply, prefix, group);
    connection.channels.add(channel);
    register.add(channel);
    // Whoever has no jobs is not silent.
    if (connection.delivery !== 'none') vardiff.add(channel);
    counters.channelsOpened += 1;
    const answer = {
      requestId: open.requestId,
      channelId,
      target: channel.mining.target.bytes,
      extranoncePrefix: channel.extranoncePrefix,
      groupChannelId: channel.group.id,
    };
    if (kind === channelKinds.standard) connection.send(OpenStandardMiningChannelSuccess, answer);
    else {
      const { extranonceSize } = channel.mining;
      connection.send(OpenExtendedMiningChannelSuccess, { ...answer, extranonceSize });
    }
    fanOut.open(channel);
    this.#logOpened(channel, open);
    return true;
  }

  /** `undefined`: it would be of one payout more than there may be. */
  #groupFor({ channels }: Connection, { poolPercent, payoutScript: script }: Opened): JobGroup | undefined {
    if (poolPercent >= PAYS_POOL) return channels.groupFor(undefined);
    const paid = this.#modules.payouts.take({ script, poolPercent });
    return paid && channels.groupFor(paid);
  }

  #create(
    connection: Connection,
    open: OpenMessage,
    kind: number,
    id: number,
    reply: Opened,
    prefix: Uint8Array,
    group: JobGroup,
  ): GatewayChannel {
    const { answers, clock } = this.#modules;
    const standard = kind === channelKinds.standard;
    const extranoncePrefix = standard ? standardPrefix(prefix) : prefix;
    const deviceEasiest = targetFromBytes(open.maxTarget);
    const easiest = reply.maxTarget < deviceEasiest ? reply.maxTarget : deviceEasiest;
    const target = shareTarget(clampTarget(reply.firstTarget, reply.minTarget, easiest));
    this.#lastKey += 1;
    return new GatewayChannel({
      id,
      connection,
      channelKey: this.#lastKey,
      kind,
      identity: reply.identity,
      worker: reply.worker,
      extranoncePrefix,
      poolPercent: reply.poolPercent,
      group,
      mining: new MiningChannel({ kind: standard ? 'standard' : 'extended', extranoncePrefix, target }),
      vardiff: new Vardiff(
        {
          sharesPerMinute: reply.sharesPerMinute,
          nominalHashrate: open.nominalHashRate,
          minDifficulty: hashesOfTarget(easiest),
          maxDifficulty: hashesOfTarget(reply.minTarget < easiest ? reply.minTarget : easiest),
          firstDifficulty: hashesOfTarget(target.value),
        },
        clock.monotonic(),
      ),
      bounds: { hardest: reply.minTarget, easiest },
      openedAtMs: clock.now(),
      answers,
    });
  }

  #logOpened(channel: GatewayChannel, { userIdentity, nominalHashRate }: OpenMessage): void {
    if (!this.#modules.log.isLevelEnabled('debug')) return;
    const { connection, id, kind, mining, poolPercent } = channel;
    const facts = {
      connection: connection.id,
      channelId: id,
      kind: kind === channelKinds.standard ? 'standard' : 'extended',
      identity: printable(userIdentity),
      nominalHashRate,
      difficulty: difficultyForLog(mining.target.value),
      target: displayHash(mining.target.bytes),
      ...(poolPercent < PAYS_POOL ? { pays: channel.identity, poolPercent } : {}),
    };
    this.#modules.log.debug(facts, 'channel opened');
  }

  #refuseAt(limit: OpenLimit, connection: Connection, open: OpenMessage): void {
    this.#modules.counters.opensOverLimit[limit] += 1;
    this.#refuse(connection, open, 'channel-capacity-exhausted');
  }

  #refuse(connection: Connection, { requestId, userIdentity }: OpenMessage, errorCode: OpenErrorCode): void {
    this.#modules.counters.opensRefused[errorCode] += 1;
    connection.send(OpenMiningChannelError, { requestId, errorCode });
    connection.refused('OpenMiningChannel.Error', errorCode);
    const facts = { connection: connection.id, identity: printable(userIdentity), code: errorCode };
    this.#modules.log.debug(facts, 'channel refused');
  }
}

/** What needs no channel-manager. */
function refusalOf({ userIdentity, nominalHashRate, maxTarget }: OpenMessage): OpenErrorCode | undefined {
  if (!isIdentity(userIdentity)) return 'invalid-user-identity';
  if (!isHashRate(nominalHashRate)) return 'invalid-nominal-hashrate';
  return targetFromBytes(maxTarget) === 0n ? 'max-target-out-of-range' : undefined;
}

/** Any text that can be shown; which forms name an account is for the channel-manager to say. */
function isIdentity(identity: string): boolean {
  return identity.length > 0 && printable(identity) === identity;
}

/** A code of a newer channel-manager is not passed on: what goes to a miner stands in our table. */
function knownCode(code: string): OpenErrorCode {
  return code in errorCodes['OpenMiningChannel.Error'] ? (code as OpenErrorCode) : 'invalid-user-identity';
}
