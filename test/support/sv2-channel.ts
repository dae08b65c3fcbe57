// The miner's side of one channel: the jobs that it was given, real hashing on the active one, and what became of each share. It
// takes nothing on trust: an answer that names a share nobody sent, or counts wrongly, is kept as a fault.
import { writeHeader } from '@sluice/bitcoin/header';
import { wasmSha256d as sha256d } from '@sluice/bitcoin/sha256d-wasm';
import { compactToTarget, meetsTarget, targetToBytes } from '@sluice/bitcoin/target';
import type { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import type { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import type { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import type { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import type { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';

/** A job as this channel works on it. */
export interface ChannelJob {
  readonly jobId: number;
  readonly version: number;
  /** 32 bytes, for the one extranonce that this channel rolls on the job. */
  readonly merkleRoot: Uint8Array;
  readonly extranonce: Uint8Array;
  /** Whole and without witness; unknown where the pool sent a merkle root alone. */
  readonly coinbase: Uint8Array | undefined;
  /** Sent before the tip that activated it. */
  readonly wasFuture: boolean;
  /** Hashes of the merkle path; 0: a block of the coinbase alone. */
  readonly depth: number | undefined;
}

export interface ChannelTip {
  readonly prevHash: Uint8Array;
  readonly minNtime: number;
  readonly nbits: number;
  readonly networkTarget: Uint8Array;
  /** Milliseconds, as of `performance.now()`. */
  readonly at: number;
}

export interface FoundShare {
  readonly jobId: number;
  readonly nonce: number;
  readonly ntime: number;
  readonly version: number;
  readonly extranonce: Uint8Array;
  /** 32 bytes, wire order. */
  readonly hash: Uint8Array;
  readonly isBlock: boolean;
}

/** What became of a share: index by its sequence number in `ChannelRecord.states`. */
export const shareStates = { unsent: 0, sent: 1, accepted: 2, refused: 3 } as const;

interface Pending {
  readonly sentAt: number;
  /** Tips that the channel had been told of when it was sent. */
  readonly tips: number;
  readonly share: FoundShare;
}

/** Work that a channel was given last, kept to explain what goes wrong. */
const WORK_KEPT = 8;

/** Of one channel over its life; outlives the connection. */
export class ChannelRecord {
  /** Hex; unique over the whole pool. */
  readonly prefix: string;
  /** By sequence number, from 1. */
  states = new Uint8Array(1_024);
  sent = 0;
  accepted = 0;
  /** Refused, by error code. */
  readonly refused = new Map<string, number>();
  /** Refused as stale after a tip that came when the share was on its way: nobody's fault. */
  overtaken = 0;
  readonly faults: string[] = [];

  constructor(prefix: Uint8Array) {
    this.prefix = Buffer.from(prefix).toString('hex');
  }

  get unanswered(): number {
    let refused = 0;
    for (const count of this.refused.values()) refused += count;
    return this.sent - this.accepted - refused;
  }

  nextSequence(): number {
    this.sent += 1;
    if (this.sent >= this.states.length) {
      const grown = new Uint8Array(this.states.length * 2);
      grown.set(this.states);
      this.states = grown;
    }
    this.states[this.sent] = shareStates.sent;
    return this.sent;
  }
}

export type ChannelKind = 'standard' | 'extended';

export interface ChannelOpening {
  readonly kind: ChannelKind;
  readonly id: number;
  readonly groupId: number;
  readonly prefix: Uint8Array;
  /** 0 on a standard channel. */
  readonly extranonceSize: number;
  readonly target: Uint8Array;
}

export class Sv2Channel {
  readonly kind: ChannelKind;
  readonly id: number;
  groupId: number;
  readonly prefix: Uint8Array;
  readonly record: ChannelRecord;
  readonly jobs = new Map<number, ChannelJob>();
  tip: ChannelTip | undefined;
  job: ChannelJob | undefined;
  /** Tips so far. */
  tips = 0;
  /** Tips that named a job which the channel did not hold. */
  tipsWithoutJob = 0;
  /** Target that a share of the active job must meet. */
  jobTarget: Uint8Array;
  /** For jobs to come. */
  target: Uint8Array;
  closed = false;
  /** When the newest share that is acknowledged was sent, as of `performance.now()`. */
  acknowledgedUpTo = 0;
  readonly #extranonceSize: number;
  readonly #pending = new Map<number, Pending>();
  readonly #work: string[] = [];
  readonly #header = new Uint8Array(80);
  readonly #hash = new Uint8Array(32);
  #nonce = 0;
  readonly #onAcknowledged: (latencyMs: number) => void;

  constructor(opening: ChannelOpening, onAcknowledged: (latencyMs: number) => void = () => {}) {
    this.kind = opening.kind;
    this.id = opening.id;
    this.groupId = opening.groupId;
    this.prefix = opening.prefix;
    this.record = new ChannelRecord(opening.prefix);
    this.target = opening.target;
    this.jobTarget = opening.target;
    this.#extranonceSize = opening.extranonceSize;
    this.#onAcknowledged = onAcknowledged;
  }

  onStandardJob({ jobId, version, merkleRoot, minNtime }: NewMiningJob): void {
    const wasFuture = minNtime === undefined;
    this.#take(
      { jobId, version, merkleRoot, extranonce: new Uint8Array(0), coinbase: undefined, wasFuture, depth: undefined },
      minNtime,
    );
  }

  onExtendedJob(message: NewExtendedMiningJob): void {
    const { jobId, version, merklePath, coinbaseTxPrefix, coinbaseTxSuffix, minNtime } = message;
    const extranonce = new Uint8Array(this.#extranonceSize);
    crypto.getRandomValues(extranonce);
    const coinbase = Buffer.concat([coinbaseTxPrefix, this.prefix, extranonce, coinbaseTxSuffix]);
    const merkleRoot = new Uint8Array(32);
    sha256d.foldMerkle(sha256d.sha256d(coinbase), merklePath, merkleRoot);
    const wasFuture = minNtime === undefined;
    const depth = merklePath.length;
    this.#take({ jobId, version, merkleRoot, extranonce, coinbase, wasFuture, depth }, minNtime);
  }

  #take(job: ChannelJob, minNtime: number | undefined): void {
    this.jobs.set(job.jobId, job);
    this.#note(`job ${job.jobId} from ${minNtime ?? 'its tip'}`);
    if (minNtime === undefined) return;
    this.#workOn(job);
    if (this.tip !== undefined && minNtime > this.tip.minNtime) this.tip = { ...this.tip, minNtime };
  }

  /** A new tip: the named job, which must be there already, is the work from now on, and every other is void. */
  onTip({ jobId, prevHash, minNtime, nbits }: SetNewPrevHash): void {
    const job = this.jobs.get(jobId);
    this.#note(`tip for job ${jobId} from ${minNtime}`);
    this.tips += 1;
    const networkTarget = targetToBytes(compactToTarget(nbits));
    this.tip = { prevHash, minNtime, nbits, networkTarget, at: performance.now() };
    this.jobs.clear();
    if (job === undefined) {
      this.tipsWithoutJob += 1;
      this.job = undefined;
      return;
    }
    this.jobs.set(jobId, job);
    this.#workOn(job);
  }

  #workOn(job: ChannelJob): void {
    // On the same bytes it goes on, so as not to find the same once more.
    if (this.job === undefined || Buffer.compare(this.job.merkleRoot, job.merkleRoot) !== 0) this.#nonce = 0;
    this.job = job;
    this.jobTarget = this.target;
  }

  onSuccess({ lastSequenceNumber, newSubmitsAcceptedCount }: SubmitSharesSuccess): void {
    const { record } = this;
    const now = performance.now();
    let taken = 0;
    for (const [sequence, { sentAt }] of this.#pending) {
      if (sequence > lastSequenceNumber) break;
      this.#pending.delete(sequence);
      record.states[sequence] = shareStates.accepted;
      this.acknowledgedUpTo = Math.max(this.acknowledgedUpTo, sentAt);
      this.#onAcknowledged(now - sentAt);
      taken += 1;
    }
    record.accepted += taken;
    if (taken !== newSubmitsAcceptedCount)
      record.faults.push(
        `${newSubmitsAcceptedCount} accepted up to ${lastSequenceNumber}, where ${taken} were waiting`,
      );
  }

  onError({ sequenceNumber, errorCode }: SubmitSharesError): void {
    const { record } = this;
    const pending = this.#pending.get(sequenceNumber);
    if (pending === undefined) {
      record.faults.push(`${errorCode} for share ${sequenceNumber}, which was not waiting`);
      return;
    }
    this.#pending.delete(sequenceNumber);
    record.states[sequenceNumber] = shareStates.refused;
    record.refused.set(errorCode, (record.refused.get(errorCode) ?? 0) + 1);
    if (errorCode === 'stale-share' && this.tips > pending.tips) record.overtaken += 1;
    if (errorCode === 'duplicate-share') {
      const { jobId, nonce, ntime } = pending.share;
      record.faults.push(`duplicate: job ${jobId}, nonce ${nonce}, ntime ${ntime}, after ${this.#work.join(', ')}`);
    }
  }

  /**
   * Hashes on the active job, or on an older one of the same tip, until a share is found, or a block where one is wanted; gives up
   * after `bound` hashes.
   */
  find(
    wanted: 'share' | 'block' | 'share-no-block' = 'share',
    bound = 4_000_000,
    job: ChannelJob | undefined = this.job,
  ): FoundShare | undefined {
    const { tip } = this;
    if (job === undefined || tip === undefined) return undefined;
    const ntime = Math.max(tip.minNtime, Math.floor(Date.now() / 1000));
    writeHeader(this.#header, job.version, tip.prevHash, job.merkleRoot, ntime, tip.nbits, 0);
    const view = new DataView(this.#header.buffer);
    const target = wanted === 'block' ? tip.networkTarget : this.jobTarget;
    for (let hashes = 0; hashes < bound; hashes++) {
      const nonce = this.#nonce++ >>> 0;
      view.setUint32(76, nonce, true);
      sha256d.header(this.#header, this.#hash);
      if (!meetsTarget(this.#hash, target)) continue;
      const isBlock = meetsTarget(this.#hash, tip.networkTarget);
      if (isBlock && wanted === 'share-no-block') continue;
      const { jobId, version, extranonce } = job;
      return { jobId, nonce, ntime, version, extranonce, hash: Uint8Array.from(this.#hash), isBlock };
    }
    return undefined;
  }

  /** Counts a share as sent; returns its sequence number. */
  sending(share: FoundShare): number {
    const sequence = this.record.nextSequence();
    this.#pending.set(sequence, { sentAt: performance.now(), tips: this.tips, share });
    return sequence;
  }

  #note(work: string): void {
    this.#work.push(`${(performance.now() / 1_000).toFixed(3)} s ${work}`);
    if (this.#work.length > WORK_KEPT) this.#work.shift();
  }

  get waiting(): number {
    return this.#pending.size;
  }

  stateOf(sequence: number): number {
    return this.record.states[sequence] ?? shareStates.unsent;
  }
}
