// One channel of a miner's connection: a place in the farm, as Stratum V2 shows it.
import type { ShareTarget } from '@sluice/mining/share-target';
import type { ShareAnswerFrames } from '@sluice/server/share-answer-frames';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { printable } from '@sluice/sv2/text';
import type { FarmJob, Miner, MinerListener, ShareAnswer } from '../miners/miner.ts';
import type { Connection } from './connection.ts';
import type { Sv2Counters } from './counters.ts';
import type { JobFrames } from './job-frames.ts';
import { GROUP_CHANNEL_ID, type GroupMember } from './job-group.ts';
import { ShareAnswers } from './share-answers.ts';

/** Targets that are remembered, to know what a share of an earlier job was worth; shares of older jobs count as of the oldest. */
const TARGETS_BOUND = 16;

export type ChannelKind = 'standard' | 'extended';

export interface ChannelModules {
  readonly counters: Sv2Counters;
  readonly jobs: JobFrames;
  readonly answerFrames: ShareAnswerFrames;
}

export class Channel implements MinerListener, GroupMember {
  readonly id: number;
  readonly kind: ChannelKind;
  /** As the channel was opened with it. */
  readonly identity: string;
  readonly answers: ShareAnswers;
  readonly remoteAddress: string;
  readonly #connection: Connection;
  readonly #modules: ChannelModules;
  readonly #requestId: number;
  /** Ascending by the first job that it holds for. */
  readonly #targets: { from: number; readonly target: ShareTarget }[] = [];
  /** Holds for the jobs to come. */
  #target: ShareTarget | undefined;
  #miner: Miner | undefined;
  #extranoncePrefix = new Uint8Array(0);
  #worker: string;

  constructor(
    connection: Connection,
    opening: { readonly id: number; readonly kind: ChannelKind; readonly identity: string; readonly requestId: number },
    modules: ChannelModules,
  ) {
    this.id = opening.id;
    this.kind = opening.kind;
    this.identity = opening.identity;
    this.#worker = opening.identity;
    this.#requestId = opening.requestId;
    this.remoteAddress = connection.remoteAddress;
    this.#connection = connection;
    this.#modules = modules;
    this.answers = new ShareAnswers(connection.writer, opening.id, modules.answerFrames);
  }

  /** What the miner calls itself. */
  get agent(): string {
    return printable(this.#connection.setup?.vendor ?? '');
  }

  /** Takes its place and writes the answer to the opening, followed by the first work. */
  start(miner: Miner): void {
    this.#miner = miner;
    const { extranonce1, extranonce2Size } = miner;
    // What a standard channel cannot roll stays zero, so that its coinbase is as long as everyone's.
    this.#extranoncePrefix = new Uint8Array(extranonce1.length + (this.kind === 'standard' ? extranonce2Size : 0));
    this.#extranoncePrefix.set(extranonce1);
    miner.authorize(this.identity);
  }

  onTarget(target: ShareTarget): void {
    const isFirst = this.#target === undefined;
    this.#connection.group?.catchUp(this);
    this.#target = target;
    if (isFirst) this.#answerOpening(target);
    else this.confirmTarget();
  }

  /** SetTarget [sv2 5.3.21] with what holds for the jobs to come. */
  confirmTarget(): void {
    if (this.#target === undefined) return;
    this.#modules.counters.setTargets += 1;
    this.#connection.send(SetTarget, { channelId: this.id, maximumTarget: this.#target.bytes });
  }

  onJob(job: FarmJob, clean: boolean): void {
    const { group } = this.#connection;
    this.#noteTarget(job.id);
    if (group?.has(this) === true) group.give(this, job, clean);
    else {
      // Its first work is for it alone.
      this.writeJob(job, clean);
      group?.add(this);
    }
  }

  writeJob(job: FarmJob, clean: boolean): void {
    const { jobs } = this.#modules;
    const { writer } = this.#connection;
    if (this.kind === 'standard') jobs.standard(writer, this.id, job, this.#extranoncePrefix, clean);
    else jobs.extended(writer, this.id, job, clean);
    if (clean) jobs.tip(writer, this.id, job);
  }

  onAnswer(request: string, answer: ShareAnswer): void {
    if (answer !== '') this.#connection.refused('SubmitShares.Error', answer);
    this.answers.settle(request, answer);
  }

  /** UpdateChannel: what the miner says of itself from now on. */
  claim(nominalHashrate: number, maxTarget: bigint): void {
    const isRetargeted = this.#miner?.claim({ nominalHashrate, maxTarget }) === true;
    // Otherwise the new one is told with a job, within a second.
    if (!isRetargeted) this.confirmTarget();
  }

  /** @param worker whom the share is of. @param extranonce what the miner rolled, valid during the call; none of a standard channel. */
  submit(
    sequenceNumber: number,
    jobId: number,
    extranonce: Uint8Array | undefined,
    ntime: number,
    nonce: number,
    version: number,
    worker: string,
  ): void {
    const miner = this.#miner;
    const target = this.#targetOf(jobId);
    if (miner === undefined || target === undefined) {
      // The opening has no answer yet: the miner has guessed the channel.
      this.#modules.answerFrames.error(this.#connection.writer, this.id, sequenceNumber, 'invalid-job-id');
      return;
    }
    if (worker !== this.#worker) {
      this.#worker = worker;
      miner.authorize(worker);
    }
    const rolled = extranonce ?? this.#extranoncePrefix.subarray(miner.extranonce1.length);
    miner.submit(jobId, rolled, ntime, nonce, version, this.answers.expect(sequenceNumber, target));
  }

  /** Gives its place back. */
  close(): void {
    this.#connection.group?.remove(this);
    this.#miner?.close();
    this.#miner = undefined;
  }

  #answerOpening(target: ShareTarget): void {
    const answer = {
      requestId: this.#requestId,
      channelId: this.id,
      target: target.bytes,
      extranoncePrefix: this.#extranoncePrefix,
      groupChannelId: GROUP_CHANNEL_ID,
    };
    if (this.kind === 'standard') this.#connection.send(OpenStandardMiningChannelSuccess, answer);
    else {
      const extranonceSize = this.#miner?.extranonce2Size ?? 0;
      this.#connection.send(OpenExtendedMiningChannelSuccess, { ...answer, extranonceSize });
    }
  }

  #noteTarget(jobId: number): void {
    const target = this.#target;
    if (target === undefined || this.#targets.at(-1)?.target === target) return;
    this.#targets.push({ from: jobId, target });
    if (this.#targets.length > TARGETS_BOUND) this.#targets.shift();
  }

  #targetOf(jobId: number): ShareTarget | undefined {
    const all = this.#targets;
    let at = all.length - 1;
    while (at > 0 && all[at]!.from > jobId) at -= 1;
    return all[at]?.target ?? this.#target;
  }
}
