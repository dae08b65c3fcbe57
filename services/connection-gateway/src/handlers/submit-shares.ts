// Step 1 of the share's way: a submission is read in place, judged by the pure rules, and answered at once unless it is good; it may wait for
// others that were read with it. A block candidate goes out before anything else. Nothing is allocated here for a share that is neither.
import { witnessCoinbase } from '@sluice/bitcoin/coinbase';
import type { HashedHeader } from '@sluice/bitcoin/header-lanes';
import { channelKinds } from '@sluice/bus/payloads/channel';
import { baseJobId } from '@sluice/mining/job-id';
import { coinbaseOf, type ShareChecker } from '@sluice/mining/share-check';
import { ShareLanes } from '@sluice/mining/share-lanes';
import { ShareOutcome, shareErrorCodes } from '@sluice/mining/share-outcome';
import { type Clock, unixMicros } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { ShareAnswerFrames } from '@sluice/server/share-answer-frames';
import type { DecodeFault } from '@sluice/sv2/errors';
import { readWorkerIdentity } from '@sluice/sv2/extensions';
import {
  extendedShareEnd,
  holdsExtendedShare,
  holdsStandardShare,
  SHARE_EXTRANONCE_OFFSET,
  shareChannelId,
  shareExtranonceSize,
  shareJobId,
  shareNonce,
  shareNtime,
  shareSequenceNumber,
  shareVersion,
} from '@sluice/sv2/fast/submit-shares';
import { hasControlCharacter } from '@sluice/sv2/text';
import type { BestShare } from '../best-share.ts';
import type { GatewayChannel } from '../channels.ts';
import type { Connection } from '../connection.ts';
import type { GatewayCounters, ShareErrorCode } from '../counters.ts';
import type { ShareBatcher } from '../share-batcher.ts';
import type { Solutions } from '../solutions.ts';
import { type JudgeWaited, WaitingChannelShare } from '../waiting-share.ts';

const TRUNCATED_STANDARD: DecodeFault = { ok: false, code: 'payload-truncated', where: 'SubmitSharesStandard' };
const TRUNCATED_EXTENDED: DecodeFault = { ok: false, code: 'payload-truncated', where: 'SubmitSharesExtended' };

export interface ShareModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly checker: ShareChecker;
  readonly answers: ShareAnswerFrames;
  readonly batcher: ShareBatcher;
  readonly solutions: Solutions;
  readonly bestShare: BestShare;
  readonly counters: GatewayCounters;
  readonly incarnation: bigint;
  /** Runs a task when all sockets that have something were read. */
  later(task: () => void): void;
}

export class ShareHandler {
  /** Shares that wait for others. */
  readonly lanes: ShareLanes<WaitingChannelShare>;
  readonly #modules: ShareModules;

  constructor(modules: ShareModules) {
    this.#modules = modules;
    const judge: JudgeWaited = (share, channel, ahead) => this.#judgeWaited(share, channel, ahead);
    this.lanes = new ShareLanes(() => new WaitingChannelShare(judge), modules.later);
  }

  /** SubmitSharesStandard [sv2 5.3.11]. */
  standard(connection: Connection, payload: Uint8Array): DecodeFault | undefined {
    if (!holdsStandardShare(payload.length)) return TRUNCATED_STANDARD;
    const channel = connection.channels.get(shareChannelId(payload, 0));
    if (channel === undefined || channel.kind !== channelKinds.standard) this.#noChannel(connection, payload);
    else this.#take(channel, channel.worker, payload, 0);
    return undefined;
  }

  /** SubmitSharesExtended [sv2 5.3.12], with the worker of extension 0x0002 where that was agreed on. */
  extended(connection: Connection, payload: Uint8Array): DecodeFault | undefined {
    if (!holdsExtendedShare(payload, 0, payload.length)) return TRUNCATED_EXTENDED;
    const channel = connection.channels.get(shareChannelId(payload, 0));
    if (channel === undefined || channel.kind !== channelKinds.extended) {
      this.#noChannel(connection, payload);
      return undefined;
    }
    let worker = channel.worker;
    if (connection.namesWorkers) {
      const named = readWorkerIdentity(payload, extendedShareEnd(payload, 0));
      if (typeof named === 'object') return named;
      // A name that is empty, or cannot be shown, is credited as if none had been given.
      if (named !== undefined && named !== '' && named.isWellFormed() && !hasControlCharacter(named)) worker = named;
    }
    this.#take(channel, worker, payload, shareExtranonceSize(payload, 0));
    return undefined;
  }

  /** A fault of our own ends the connection of this share, not the one whose bytes are being read. */
  #judgeWaited(share: WaitingChannelShare, channel: GatewayChannel, ahead: HashedHeader | undefined): void {
    const { worker, payload, extranonceSize, receivedAtMs } = share;
    try {
      this.#judge(channel, worker, payload, extranonceSize, receivedAtMs, ahead);
    } catch (error) {
      const { connection } = channel;
      this.#modules.log.error({ connection: connection.id, error }, 'a share could not be handled');
      connection.cut('handler-failed', messageOf(error));
    }
  }

  /** Has it wait for others; one of no job, or that cannot be good, is judged at once behind those before it. */
  #take(channel: GatewayChannel, worker: string, payload: Uint8Array, extranonceSize: number): void {
    const { lanes } = this;
    const nowMs = this.#modules.clock.now();
    const share = lanes.place(channel.mining, shareJobId(payload, 0), extranonceSize);
    if (share === undefined) {
      this.#judge(channel, worker, payload, extranonceSize, nowMs, undefined);
      return;
    }
    share.write(channel, worker, payload, extranonceSize, nowMs);
    lanes.add(
      shareNonce(payload, 0),
      shareNtime(payload, 0),
      shareVersion(payload, 0),
      channel.extranoncePrefix,
      payload,
      SHARE_EXTRANONCE_OFFSET,
    );
  }

  #noChannel(connection: Connection, payload: Uint8Array): void {
    this.lanes.flush();
    this.#answer(connection, shareChannelId(payload, 0), payload, 'invalid-channel-id');
  }

  #judge(
    channel: GatewayChannel,
    worker: string,
    payload: Uint8Array,
    extranonceSize: number,
    nowMs: number,
    ahead: HashedHeader | undefined,
  ): void {
    const { checker, counters, batcher } = this.#modules;
    channel.connection.shares += 1;
    // A share that cannot be taken now may be sent again.
    const room = !batcher.full;
    const outcome = checker.check(
      channel.mining,
      shareJobId(payload, 0),
      shareNonce(payload, 0),
      shareNtime(payload, 0),
      shareVersion(payload, 0),
      payload,
      SHARE_EXTRANONCE_OFFSET,
      extranonceSize,
      nowMs,
      room,
      ahead,
    );
    if (checker.solution && outcome !== ShareOutcome.duplicate) this.#sendSolution(channel, worker, payload);
    if (outcome !== ShareOutcome.accepted) this.#refuse(channel, payload, shareErrorCodes[outcome] as ShareErrorCode);
    else if (!room) this.#refuse(channel, payload, 'share-not-stored');
    else {
      counters.sharesAccepted += 1;
      this.#accept(channel, worker, payload, extranonceSize, nowMs);
    }
  }

  /** Step 3: into the open batch. */
  #accept(channel: GatewayChannel, worker: string, payload: Uint8Array, extranonceSize: number, nowMs: number): void {
    const { batcher, bestShare, checker, clock } = this.#modules;
    bestShare.note(checker.hash);
    const target = checker.target!;
    batcher.add(
      channel,
      worker,
      target,
      shareJobId(payload, 0),
      shareNonce(payload, 0),
      shareNtime(payload, 0),
      shareVersion(payload, 0),
      shareSequenceNumber(payload, 0),
      checker.tip!.feed,
      nowMs,
      payload,
      SHARE_EXTRANONCE_OFFSET,
      extranonceSize,
    );
    const monotonicMs = clock.monotonic();
    channel.vardiff.onShare(target.difficulty);
    channel.connection.work.add(target.difficulty, monotonicMs);
  }

  #refuse(channel: GatewayChannel, payload: Uint8Array, code: ShareErrorCode): void {
    channel.refused += 1;
    this.#answer(channel.connection, channel.id, payload, code);
  }

  #answer(connection: Connection, channelId: number, payload: Uint8Array, code: ShareErrorCode): void {
    const { answers, log } = this.#modules;
    answers.error(connection.writer, channelId, shareSequenceNumber(payload, 0), code);
    connection.refused('SubmitShares.Error', code);
    if (!log.isLevelEnabled('debug')) return;
    log.debug({ connection: connection.id, channelId, jobId: shareJobId(payload, 0), code }, 'share refused');
  }

  /** Step 2: the header meets the target of the network, whatever it is worth as a share. */
  #sendSolution(channel: GatewayChannel, worker: string, payload: Uint8Array): void {
    const { checker, clock, incarnation, solutions } = this.#modules;
    const job = checker.job!;
    const end = SHARE_EXTRANONCE_OFFSET + channel.mining.extranonceSize;
    const extranonce = payload.subarray(SHARE_EXTRANONCE_OFFSET, end);
    solutions.send({
      hash: checker.hash.slice(),
      jobId: baseJobId(job.jobId),
      provider: job.provider,
      templateId: job.templateId,
      header: checker.header.slice(),
      coinbase: witnessCoinbase(coinbaseOf(job, channel.extranoncePrefix, extranonce)),
      identity: channel.identity,
      worker,
      incarnation,
      foundAtMicros: unixMicros(clock),
    });
  }
}
