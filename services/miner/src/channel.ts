// What a client knows of one channel: jobs that wait, the tip, and the work in force. No hashing and no socket in here; the
// rules of which job counts when, and with which target, are those of the specification [sv2 5.3.15 to 5.3.22].
import type { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import type { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import type { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';

export type ChannelKind = 'standard' | 'extended';

/** Future jobs kept for one channel; the oldest goes. */
export const MAX_FUTURE_JOBS = 16;

export interface ClientJob {
  readonly jobId: number;
  readonly version: number;
  readonly versionRollingAllowed: boolean;
  /** A merkle root (32 bytes) of its own, or what one is made of. */
  readonly source: { readonly merkleRoot: Uint8Array } | ExtendedSource;
}

export interface ExtendedSource {
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSuffix: Uint8Array;
  readonly merklePath: readonly Uint8Array[];
  /** In force when the job came. */
  readonly extranoncePrefix: Uint8Array;
}

export interface ClientTip {
  /** 32 bytes, wire order. */
  readonly prevHash: Uint8Array;
  readonly nbits: number;
}

/** A job with everything that a header needs. */
export interface Work {
  readonly channel: ClientChannel;
  readonly job: ClientJob;
  readonly tip: ClientTip;
  readonly minNtime: number;
  /** Unix milliseconds at which it came into force: ntime may run on from `minNtime` since. */
  readonly since: number;
  /** 32 bytes, wire order; the target in force for this job. */
  readonly target: Uint8Array;
}

export interface OpenedChannel {
  readonly kind: ChannelKind;
  readonly channelId: number;
  readonly groupChannelId: number;
  readonly target: Uint8Array;
  readonly extranoncePrefix: Uint8Array;
  /** Bytes that the client rolls; 0 for a standard channel. */
  readonly extranonceSize: number;
}

export class ClientChannel {
  readonly kind: ChannelKind;
  readonly id: number;
  readonly extranonceSize: number;
  groupId: number;
  /** Counts for jobs that come later; a waiting future job takes it too. */
  target: Uint8Array;
  #extranoncePrefix: Uint8Array;
  readonly #future = new Map<number, ClientJob>();
  #tip: ClientTip | undefined;
  #work: Work | undefined;
  #sequence = 0;

  constructor(opened: OpenedChannel) {
    this.kind = opened.kind;
    this.id = opened.channelId;
    this.groupId = opened.groupChannelId;
    this.target = opened.target;
    this.extranonceSize = opened.extranonceSize;
    this.#extranoncePrefix = opened.extranoncePrefix;
  }

  /** The job to work on, once there is one. */
  get work(): Work | undefined {
    return this.#work;
  }

  /** Identifiers of jobs that wait for their tip. */
  get futureJobs(): readonly number[] {
    return [...this.#future.keys()];
  }

  /** The number of the next share on this channel. */
  nextSequenceNumber(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  /** For jobs that come from now on. */
  setExtranoncePrefix(prefix: Uint8Array): void {
    this.#extranoncePrefix = prefix;
  }

  /** Takes a job; `now` in Unix milliseconds. Returns false for an active job without a tip, which is out of order. */
  addStandardJob(message: NewMiningJob, now: number): boolean {
    const { jobId, version, merkleRoot, minNtime } = message;
    return this.#add({ jobId, version, versionRollingAllowed: true, source: { merkleRoot } }, minNtime, now);
  }

  addExtendedJob(message: NewExtendedMiningJob, now: number): boolean {
    const { jobId, version, versionRollingAllowed, merklePath, coinbaseTxPrefix, coinbaseTxSuffix, minNtime } = message;
    const source: ExtendedSource = {
      coinbasePrefix: coinbaseTxPrefix,
      coinbaseSuffix: coinbaseTxSuffix,
      merklePath,
      extranoncePrefix: this.#extranoncePrefix,
    };
    return this.#add({ jobId, version, versionRollingAllowed, source }, minNtime, now);
  }

  /** A new tip: the named future job comes into force, all others are void. Returns false when it does not wait here. */
  setNewPrevHash({ jobId, prevHash, nbits, minNtime }: SetNewPrevHash, now: number): boolean {
    const job = this.#future.get(jobId);
    this.#future.clear();
    this.#tip = { prevHash, nbits };
    this.#work = job && { channel: this, job, tip: this.#tip, minNtime, since: now, target: this.target };
    return job !== undefined;
  }

  /** Nothing is worked on any more. */
  close(): void {
    this.#work = undefined;
    this.#future.clear();
  }

  #add(job: ClientJob, minNtime: number | undefined, now: number): boolean {
    if (minNtime === undefined) {
      this.#future.delete(job.jobId);
      this.#future.set(job.jobId, job);
      for (const oldest of this.#future.keys()) {
        if (this.#future.size <= MAX_FUTURE_JOBS) break;
        this.#future.delete(oldest);
      }
      return true;
    }
    if (this.#tip === undefined) return false;
    this.#work = { channel: this, job, tip: this.#tip, minNtime, since: now, target: this.target };
    return true;
  }
}
