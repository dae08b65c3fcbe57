// Step 1 of a share's way: is it good? The rules stand in `judge`, once, in their order; gateway and validator both call it.
// Nothing is allocated for a share: header, hash and coinbase are written into memory of the checker, answers are small integers.
import { HEADER_SIZE, writeHeader } from '@sluice/bitcoin/header';
import type { HashedHeader } from '@sluice/bitcoin/header-lanes';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import { meetsTarget } from '@sluice/bitcoin/target';
import type { MiningChannel } from './channel.ts';
import { DUPLICATE_FILTER_BOUND, DuplicateFilter, FilterAnswer } from './duplicate-filter.ts';
import type { ExtendedJob, Tip } from './job.ts';
import { ShareOutcome } from './share-outcome.ts';
import type { ShareTarget } from './share-target.ts';

/** Header bits that a miner may roll [BIP323]: 24 bits, from 5 to 28. */
export const ROLLABLE_VERSION_BITS = 0x1fffffe0;
/** How far a header's time may be ahead of its receipt; consensus allows two hours to the clocks of others. One number for all: a share that a gateway accepts is one for the validator. */
export const NTIME_AHEAD_SECONDS = 600;
const COINBASE_BOUND = 131_072;

/** One serves all channels of a thread: its fields tell of the last share only. */
export class ShareChecker {
  /** Of the last share that had a job: 80 bytes, and its hash, 32 bytes in wire order. Overwritten by the next share. */
  readonly header = new Uint8Array(HEADER_SIZE);
  readonly hash = new Uint8Array(32);
  /** The last share is a block, whatever its outcome as a share. */
  solution = false;
  /** What the last share was for; undefined when its job is unknown. */
  job: ExtendedJob | undefined;
  tip: Tip | undefined;
  target: ShareTarget | undefined;

  readonly #words = new Uint32Array(this.header.buffer);
  readonly #backend: Sha256dBackend;
  readonly #root = new Uint8Array(32);
  readonly #coinbase = new Uint8Array(COINBASE_BOUND);
  /** Whose first half stands in the coinbase memory. */
  #coinbaseJob: ExtendedJob | undefined;
  readonly #makeFilter: () => DuplicateFilter;

  /** @param filterBound shares of a job on a channel */
  constructor(backend: Sha256dBackend, filterBound = DUPLICATE_FILTER_BOUND) {
    this.#backend = backend;
    this.#makeFilter = () => new DuplicateFilter(filterBound);
  }

  /**
   * Judges a submission on a channel. The extranonce (none on a standard channel) stands in `source` from `offset`.
   * `version` is the full header version, `ntime` Unix seconds, `nowMs` the receipt in Unix milliseconds. Without `remember` a good
   * share is not kept from coming again: for a caller that cannot take it now. `ahead`: its header and hash, where they were made already; on an
   * extended channel the merkle root is taken from there.
   */
  check(
    channel: MiningChannel,
    jobId: number,
    nonce: number,
    ntime: number,
    version: number,
    source: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
    remember = true,
    ahead?: HashedHeader,
  ): ShareOutcome {
    const current = channel.currentJob(jobId);
    const late = current === undefined;
    const given = late ? channel.lastJob(jobId) : current;
    const tip = late ? channel.lastTip : channel.tip;
    if (given === undefined || tip === undefined) {
      this.solution = false;
      this.job = undefined;
      this.tip = undefined;
      this.target = undefined;
      return ShareOutcome.unknownJob;
    }
    const outcome = this.judge(
      given.job,
      tip,
      late,
      given.target,
      channel.extranoncePrefix,
      channel.extranonceSize,
      channel.kind === 'standard' ? channel.rootOfGiven(given, this.#backend) : ahead?.root,
      nonce,
      ntime,
      version,
      source,
      offset,
      length,
      nowMs,
      ahead,
    );
    if (!late && channel.isExpired(given, nowMs)) return ShareOutcome.unknownJob;
    if (outcome !== ShareOutcome.accepted || !remember) return outcome;
    switch (channel.filterOf(given, this.#makeFilter).add(this.hash)) {
      case FilterAnswer.added:
        return ShareOutcome.accepted;
      case FilterAnswer.duplicate:
        return ShareOutcome.duplicate;
      case FilterAnswer.full:
        return ShareOutcome.jobExhausted;
    }
  }

  /**
   * All rules but the duplicates, in their order: extranonce size, header hash, network target (a solution even when late),
   * tip, version, ntime, target. `root` is the merkle root where it is known already, as on a standard channel. `ahead`: what is
   * likely its header, and its hash; of another one nothing is taken.
   */
  judge(
    job: ExtendedJob,
    tip: Tip,
    late: boolean,
    target: ShareTarget,
    prefix: Uint8Array,
    extranonceSize: number,
    root: Uint8Array | undefined,
    nonce: number,
    ntime: number,
    version: number,
    source: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
    ahead?: HashedHeader,
  ): ShareOutcome {
    this.job = job;
    this.tip = tip;
    this.target = target;
    this.solution = false;
    if (length !== extranonceSize) return ShareOutcome.badExtranonceSize;

    const merkleRoot = root ?? this.#rootOf(job, prefix, source, offset, length);
    writeHeader(this.header, version, tip.prevHash, merkleRoot, ntime, tip.nbits, nonce);
    this.#hashHeader(ahead);
    this.solution = meetsTarget(this.hash, tip.networkTarget);

    if (late) return ShareOutcome.stale;
    const rolled = version ^ job.version;
    if ((rolled & ~ROLLABLE_VERSION_BITS) !== 0) return ShareOutcome.nonRollableVersionBit;
    if (rolled !== 0 && !job.versionRollingAllowed) return ShareOutcome.versionRollingNotAllowed;
    if (ntime < tip.minNtime || ntime > nowMs / 1000 + NTIME_AHEAD_SECONDS) return ShareOutcome.ntimeOutOfRange;
    return meetsTarget(this.hash, target.bytes) ? ShareOutcome.accepted : ShareOutcome.difficultyTooLow;
  }

  /** Whatever has changed since a header was hashed: a share has the hash of another one never. */
  #hashHeader(ahead: HashedHeader | undefined): void {
    if (ahead !== undefined && this.#isHeader(ahead.words)) this.hash.set(ahead.hash);
    else this.#backend.header(this.header, this.hash);
  }

  #isHeader(words: Uint32Array): boolean {
    for (let index = 0; index < HEADER_SIZE / 4; index += 1) if (this.#words[index] !== words[index]) return false;
    return true;
  }

  #rootOf(job: ExtendedJob, prefix: Uint8Array, source: Uint8Array, offset: number, length: number): Uint8Array {
    const coinbase = this.#coinbase;
    let at = job.coinbasePrefix.length;
    if (this.#coinbaseJob !== job) {
      coinbase.set(job.coinbasePrefix);
      coinbase.set(job.coinbaseSuffix, at + prefix.length + length);
      this.#coinbaseJob = job;
    }
    coinbase.set(prefix, at);
    at += prefix.length;
    for (let index = 0; index < length; index += 1) coinbase[at + index] = source[offset + index]!;
    at += length + job.coinbaseSuffix.length;
    this.#backend.sha256dInto(coinbase, at, this.#root);
    this.#backend.foldMerkle(this.#root, job.merklePath, this.#root);
    return this.#root;
  }
}

/** The coinbase of a submission, without witness: what a solution carries to a template provider. */
export function coinbaseOf(job: ExtendedJob, prefix: Uint8Array, extranonce: Uint8Array): Uint8Array {
  const coinbase = new Uint8Array(
    job.coinbasePrefix.length + prefix.length + extranonce.length + job.coinbaseSuffix.length,
  );
  coinbase.set(job.coinbasePrefix);
  coinbase.set(prefix, job.coinbasePrefix.length);
  coinbase.set(extranonce, job.coinbasePrefix.length + prefix.length);
  coinbase.set(job.coinbaseSuffix, job.coinbasePrefix.length + prefix.length + extranonce.length);
  return coinbase;
}
