// One standard or extended channel: which jobs it was given on its tip and on the one before, and which target each has. The
// order in which messages are written to the miner decides, so the methods are named for what was sent. Parallel arrays
// instead of an object a job: a new tip goes through tens of thousands of channels.
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { DuplicateFilter } from './duplicate-filter.ts';
import { FULL_EXTRANONCE_SIZE } from './extranonce.ts';
import type { ExtendedJob, Tip } from './job.ts';
import { baseJobId } from './job-id.ts';
import type { ShareTarget } from './share-target.ts';

/** Jobs of a tip that a channel may still submit to; the oldest goes first. */
export const ACCEPTED_JOBS_BOUND = 16;
/** How long a job is accepted after the next one took its place. */
export const JOB_LIFETIME_MS = 600_000;

export type ChannelKind = 'standard' | 'extended';

export interface ChannelOptions {
  readonly kind: ChannelKind;
  /** The whole extranonce of a standard channel; the first part of an extended one's. */
  readonly extranoncePrefix: Uint8Array;
  readonly target: ShareTarget;
}

/** The jobs given on one tip, by index. */
interface GivenJobs {
  tip: Tip | undefined;
  readonly ids: number[];
  readonly jobs: ExtendedJob[];
  readonly sentAt: number[];
  readonly targets: ShareTarget[];
  /** Merkle roots of a standard channel, made when first needed. */
  readonly roots: (Uint8Array | undefined)[];
  /** Made with the first accepted share; one for all reissues of a job. */
  readonly filters: (DuplicateFilter | undefined)[];
}

const noJobs = (): GivenJobs => ({
  tip: undefined,
  ids: [],
  jobs: [],
  sentAt: [],
  targets: [],
  roots: [],
  filters: [],
});

export class MiningChannel {
  readonly kind: ChannelKind;
  readonly extranoncePrefix: Uint8Array;
  /** Bytes that the miner rolls; 0 on a standard channel. */
  readonly extranonceSize: number;
  #target: ShareTarget;
  #current = noJobs();
  #last = noJobs();
  /** The root that was made last: of a job that is about to be sent. */
  #readyJob: ExtendedJob | undefined;
  #readyRoot: Uint8Array | undefined;

  constructor(options: ChannelOptions) {
    this.kind = options.kind;
    this.extranoncePrefix = options.extranoncePrefix;
    this.extranonceSize = FULL_EXTRANONCE_SIZE - options.extranoncePrefix.length;
    this.#target = options.target;
  }

  /** The last SetTarget that was sent, or the target of the opening. */
  get target(): ShareTarget {
    return this.#target;
  }

  /** The target of the job that was sent last: what the miner works by now. */
  get activeTarget(): ShareTarget {
    return this.#current.targets.at(-1) ?? this.#target;
  }

  get tip(): Tip | undefined {
    return this.#current.tip;
  }

  /** The id that the miner works on; `undefined` before its first tip. */
  get activeJobId(): number | undefined {
    return this.#current.ids.at(-1);
  }

  /** SetTarget was sent: it holds for jobs sent, and future jobs activated, from now on. True: it is easier than before. */
  setTarget(target: ShareTarget): boolean {
    const eased = target.value > this.#target.value;
    this.#target = target;
    return eased;
  }

  /** A job with min_ntime was sent, on the tip that the channel is on. `jobId`: its base or a reissue of it. */
  jobSent(job: ExtendedJob, jobId: number, nowMs: number): void {
    const given = this.#current;
    const before = given.jobs.lastIndexOf(job);
    const filter = before === -1 ? undefined : given.filters[before];
    if (given.ids.length >= ACCEPTED_JOBS_BOUND) forgetOldest(given);
    this.#add(given, job, jobId, nowMs, filter);
  }

  /** SetNewPrevHash was sent: `job`, which the channel was given as a future job, is the only valid one. */
  tipSent(job: ExtendedJob, tip: Tip, nowMs: number): void {
    const freed = this.#last;
    this.#last = this.#current;
    this.#current = freed;
    for (const list of [freed.ids, freed.jobs, freed.sentAt, freed.targets, freed.roots, freed.filters])
      list.length = 0;
    // Late shares are stale or solutions: neither asks for duplicates.
    this.#last.filters.fill(undefined);
    freed.tip = tip;
    this.#add(freed, job, job.jobId, nowMs, undefined);
  }

  /** Merkle root of a job with this standard channel's extranonce, 32 bytes: one coinbase hash and one fold, kept while the job is accepted. */
  rootOf(job: ExtendedJob, backend: Sha256dBackend): Uint8Array {
    const given = this.#current.jobs.indexOf(job);
    if (given !== -1) return this.rootAt(given, false, backend);
    if (this.#readyJob !== job || this.#readyRoot === undefined) {
      this.#readyRoot = standardRoot(job, this.extranoncePrefix, backend);
      this.#readyJob = job;
    }
    return this.#readyRoot;
  }

  // What the share checker asks. An index is good until the next job or tip is sent.

  /** Index of a job that is accepted on the current tip, or -1. */
  currentIndex(jobId: number, nowMs: number): number {
    const { ids, sentAt } = this.#current;
    const index = ids.lastIndexOf(jobId);
    const replacedAt = index === -1 ? undefined : sentAt[index + 1];
    return replacedAt !== undefined && nowMs - replacedAt > JOB_LIFETIME_MS ? -1 : index;
  }

  /** Index of a job of the tip before, or -1. */
  lastIndex(jobId: number): number {
    return this.#last.ids.lastIndexOf(jobId);
  }

  tipOf(late: boolean): Tip | undefined {
    return late ? this.#last.tip : this.#current.tip;
  }

  jobAt(index: number, late: boolean): ExtendedJob {
    return (late ? this.#last : this.#current).jobs[index]!;
  }

  targetAt(index: number, late: boolean): ShareTarget {
    return (late ? this.#last : this.#current).targets[index]!;
  }

  rootAt(index: number, late: boolean, backend: Sha256dBackend): Uint8Array {
    const given = late ? this.#last : this.#current;
    let root = given.roots[index];
    if (root === undefined) {
      root = standardRoot(given.jobs[index]!, this.extranoncePrefix, backend);
      given.roots[index] = root;
    }
    return root;
  }

  /** The filter of an accepted job; `make` is called once for a job and all its reissues. */
  filterAt(index: number, make: () => DuplicateFilter): DuplicateFilter {
    const { ids, filters } = this.#current;
    const found = filters[index];
    if (found !== undefined) return found;
    const made = make();
    const base = baseJobId(ids[index]!);
    for (let other = 0; other < ids.length; other += 1) if (baseJobId(ids[other]!) === base) filters[other] = made;
    return made;
  }

  #add(given: GivenJobs, job: ExtendedJob, jobId: number, nowMs: number, filter: DuplicateFilter | undefined): void {
    given.ids.push(jobId);
    given.jobs.push(job);
    given.sentAt.push(nowMs);
    given.targets.push(this.#target);
    given.roots.push(this.#readyJob === job ? this.#readyRoot : undefined);
    given.filters.push(filter);
  }
}

function forgetOldest(given: GivenJobs): void {
  given.ids.shift();
  given.jobs.shift();
  given.sentAt.shift();
  given.targets.shift();
  given.roots.shift();
  given.filters.shift();
}

function standardRoot(job: ExtendedJob, extranonce: Uint8Array, backend: Sha256dBackend): Uint8Array {
  const { coinbasePrefix, coinbaseSuffix, merklePath } = job;
  const coinbase = new Uint8Array(coinbasePrefix.length + extranonce.length + coinbaseSuffix.length);
  coinbase.set(coinbasePrefix);
  coinbase.set(extranonce, coinbasePrefix.length);
  coinbase.set(coinbaseSuffix, coinbasePrefix.length + extranonce.length);
  const root = backend.sha256d(coinbase);
  backend.foldMerkle(root, merklePath, root);
  return root;
}
