// One standard or extended channel: which jobs it was given on its tip and on the one before, and which target each has. The
// order in which messages are written to the miner decides, so the methods are named for what was sent.
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { DuplicateFilter } from './duplicate-filter.ts';
import { FULL_EXTRANONCE_SIZE } from './extranonce.ts';
import { type GivenJob, GivenJobs } from './given-jobs.ts';
import type { ExtendedJob, Tip } from './job.ts';
import type { ShareTarget } from './share-target.ts';

/** A standard channel rolls header fields alone, an extended one the extranonce too [sv2 5.2]. */
export type ChannelKind = 'standard' | 'extended';

/** What a channel is opened with. */
export interface ChannelOptions {
  readonly kind: ChannelKind;
  /** The whole extranonce of a standard channel; the first part of an extended one's. */
  readonly extranoncePrefix: Uint8Array;
  /** Bytes that the miner rolls; default: what the prefix leaves of the pool's one size. */
  readonly extranonceSize?: number;
  readonly target: ShareTarget;
}

/** For one channel of one connection; what it was told of is what the miner was sent, in that order. */
export class MiningChannel {
  readonly kind: ChannelKind;
  readonly extranoncePrefix: Uint8Array;
  /** Bytes that the miner rolls; 0 on a standard channel. */
  readonly extranonceSize: number;
  #target: ShareTarget;
  #current = new GivenJobs();
  #last = new GivenJobs();
  /** The root that was made last: of a job that is about to be sent. Its bytes are used again and again. */
  #readyJob: ExtendedJob | undefined;
  #readyRoot: Uint8Array | undefined;

  constructor(options: ChannelOptions) {
    this.kind = options.kind;
    this.extranoncePrefix = options.extranoncePrefix;
    this.extranonceSize = options.extranonceSize ?? FULL_EXTRANONCE_SIZE - options.extranoncePrefix.length;
    this.#target = options.target;
  }

  /** The last SetTarget that was sent, or the target of the opening. */
  get target(): ShareTarget {
    return this.#target;
  }

  /** The target of the job that was sent last: what the miner works by now. */
  get activeTarget(): ShareTarget {
    return this.#current.newest?.target ?? this.#target;
  }

  get tip(): Tip | undefined {
    return this.#current.tip;
  }

  /** The id that the miner works on; `undefined` before its first tip. */
  get activeJobId(): number | undefined {
    return this.#current.newest?.id;
  }

  /** SetTarget was sent: it holds for jobs sent, and future jobs activated, from now on. True: it is easier than before. */
  setTarget(target: ShareTarget): boolean {
    const eased = target.value > this.#target.value;
    this.#target = target;
    return eased;
  }

  /** A job with min_ntime was sent, on the tip that the channel is on. `jobId`: its base or a reissue of it. */
  jobSent(job: ExtendedJob, jobId: number, nowMs: number): void {
    const filter = this.#current.findJob(job)?.filter;
    this.#given(this.#current, job, jobId, nowMs).filter = filter;
  }

  /** SetNewPrevHash was sent: `job`, which the channel was given as a future job, is the only valid one. */
  tipSent(job: ExtendedJob, tip: Tip, nowMs: number): void {
    const freed = this.#last;
    this.#last = this.#current;
    this.#current = freed;
    // Late shares are stale or solutions: neither asks for duplicates.
    this.#last.forgetFilters();
    freed.clear();
    freed.tip = tip;
    this.#given(freed, job, job.jobId, nowMs);
  }

  /** Merkle root of a job with this standard channel's extranonce, 32 bytes that are good until the next call: one coinbase hash and one fold, kept while the job is accepted. */
  rootOf(job: ExtendedJob, backend: Sha256dBackend): Uint8Array {
    const given = this.#current.findJob(job);
    if (given !== undefined) return this.rootOfGiven(given, backend);
    const root = this.#rootBytes();
    if (this.#readyJob !== job) {
      standardRoot(job, this.extranoncePrefix, backend, root);
      this.#readyJob = job;
    }
    return root;
  }

  /** What `rootOf` would make for a job that is about to be sent, made elsewhere: 32 bytes. */
  takeRoot(job: ExtendedJob, root: Uint8Array): void {
    this.#rootBytes().set(root);
    this.#readyJob = job;
  }

  // What the share checker asks.

  get lastTip(): Tip | undefined {
    return this.#last.tip;
  }

  /** A job of the current tip; an expired one too, as long as it is held. */
  currentJob(jobId: number): GivenJob | undefined {
    return this.#current.find(jobId);
  }

  /** Whether a job of the current tip is too old for a share; a block on it is still one. */
  isExpired(given: GivenJob, nowMs: number): boolean {
    return given !== this.#current.newest && this.#current.isExpired(given, nowMs);
  }

  /** A job of the tip before. */
  lastJob(jobId: number): GivenJob | undefined {
    return this.#last.find(jobId);
  }

  /** Of a standard channel. */
  rootOfGiven(given: GivenJob, backend: Sha256dBackend): Uint8Array {
    if (given.root === undefined) {
      given.rootBytes ??= new Uint8Array(32);
      standardRoot(given.job, this.extranoncePrefix, backend, given.rootBytes);
      given.root = given.rootBytes;
    }
    return given.root;
  }

  /** The filter of a job of the current tip; `make` is called once for a job and all its reissues. */
  filterOf(given: GivenJob, make: () => DuplicateFilter): DuplicateFilter {
    if (given.filter !== undefined) return given.filter;
    const made = make();
    this.#current.share(given.job, made);
    return made;
  }

  #given(jobs: GivenJobs, job: ExtendedJob, jobId: number, nowMs: number): GivenJob {
    const given = jobs.add(jobId, job, nowMs, this.#target);
    given.root = undefined;
    if (this.#readyJob === job) {
      given.rootBytes ??= new Uint8Array(32);
      given.rootBytes.set(this.#rootBytes());
      given.root = given.rootBytes;
    }
    given.filter = undefined;
    return given;
  }

  #rootBytes(): Uint8Array {
    this.#readyRoot ??= new Uint8Array(32);
    return this.#readyRoot;
  }
}

/** For one coinbase at a time. */
let scratch = new Uint8Array(512);

function standardRoot(job: ExtendedJob, extranonce: Uint8Array, backend: Sha256dBackend, out: Uint8Array): void {
  const { coinbasePrefix, coinbaseSuffix, merklePath } = job;
  const length = coinbasePrefix.length + extranonce.length + coinbaseSuffix.length;
  if (length > scratch.length) scratch = new Uint8Array(length);
  scratch.set(coinbasePrefix);
  scratch.set(extranonce, coinbasePrefix.length);
  scratch.set(coinbaseSuffix, coinbasePrefix.length + extranonce.length);
  backend.sha256dInto(scratch, length, out);
  backend.foldMerkle(out, merklePath, out);
}
