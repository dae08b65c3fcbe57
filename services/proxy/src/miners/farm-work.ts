// An upstream's job as the farm works on it: for the share checker a job of ours, for miners the jobs that were made of it.
import { equalBytes } from '@sluice/bitcoin/serialize';
import { type ExtendedJob, type Tip, tipOf } from '@sluice/mining/job';
import { ROLLABLE_VERSION_BITS } from '@sluice/mining/share-check';
import type { UpstreamWork } from '../upstream/upstream-work.ts';
import type { FarmJob } from './miner.ts';
import { PLACE_SIZE } from './places.ts';

/** Times that an upstream sends the same bytes again on one tip; shares of older ones count as of the oldest that is kept. */
export const UPSTREAM_JOBS_BOUND = 64;

export class FarmWork implements ExtendedJob {
  /** Of the first job that was made of it. */
  readonly jobId: number;
  readonly version: number;
  readonly versionRollingAllowed: boolean;
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSuffix: Uint8Array;
  readonly merklePath: readonly Uint8Array[];
  readonly tip: Tip;
  /** Zeros before the miner's place, so that a miner's extranonce is as long on every upstream. */
  readonly padding: number;
  // The upstream's own matters.
  readonly height = 0;
  readonly provider = '';
  readonly templateId = 0n;
  /** The upstream's jobs of these bytes, each with the first number of ours that was made of it. */
  readonly #upstream: { readonly from: number; readonly work: UpstreamWork }[];
  /** Of what miners were told last. */
  #newestId: number;
  #newestNtime: number;
  /** The same in full, once somebody asks. */
  #newest: FarmJob | undefined;

  /**
   * @param feed orders tips: higher than that of any tip before. @param extranonce2Size bytes that a miner rolls. @param minNtime not before the
   * upstream's own, Unix seconds.
   */
  constructor(upstream: UpstreamWork, jobId: number, feed: number, extranonce2Size: number, minNtime: number) {
    const { prevHash, nbits } = upstream;
    this.#upstream = [{ from: jobId, work: upstream }];
    this.jobId = jobId;
    this.version = upstream.version;
    this.versionRollingAllowed = upstream.versionRollingAllowed;
    this.padding = upstream.extranonceSize - PLACE_SIZE - extranonce2Size;
    this.coinbasePrefix = Buffer.concat([upstream.coinbasePrefix, new Uint8Array(this.padding)]);
    this.coinbaseSuffix = upstream.coinbaseSuffix;
    this.merklePath = upstream.merklePath;
    this.tip = tipOf({ feed, prevHash, nbits, minNtime });
    this.#newestId = jobId;
    this.#newestNtime = minNtime;
  }

  /** The upstream's newest job of these bytes. */
  get upstream(): UpstreamWork {
    return this.upstreamOf(this.#newestId);
  }

  /** What miners were told last. */
  get newest(): FarmJob {
    this.#newest ??= this.#job(this.#newestId, this.#newestNtime);
    return this.#newest;
  }

  /** Nobody is given it any more, and there is one for each miner that has a channel of its own: what was made of it for the wire goes. */
  retire(): void {
    this.#newest = undefined;
  }

  /** Which job of the upstream a share of one of ours is for. */
  upstreamOf(jobId: number): UpstreamWork {
    const all = this.#upstream;
    let at = all.length - 1;
    while (at > 0 && all[at]!.from > jobId) at -= 1;
    return all[at]!.work;
  }

  /** Whether an upstream's job has the same bytes: its shares have the same headers then. */
  isOf(upstream: UpstreamWork): boolean {
    const { link, version, versionRollingAllowed, coinbasePrefix, coinbaseSuffix, merklePath, extranonceSize } =
      this.upstream;
    return (
      upstream.link === link &&
      upstream.version === version &&
      upstream.versionRollingAllowed === versionRollingAllowed &&
      upstream.extranonceSize === extranonceSize &&
      equalBytes(upstream.coinbasePrefix, coinbasePrefix) &&
      equalBytes(upstream.coinbaseSuffix, coinbaseSuffix) &&
      upstream.merklePath.length === merklePath.length &&
      upstream.merklePath.every((hash, index) => equalBytes(hash, merklePath[index]!))
    );
  }

  /**
   * The same bytes under another number, and for later times, so that a miner does not find again what it has found: some devices take no job
   * whose number or bytes they have seen. @param upstream the job that its shares are for. @param minNtime not before the upstream's own, Unix seconds.
   */
  again(jobId: number, upstream: UpstreamWork, minNtime: number): FarmJob {
    if (upstream !== this.upstream) {
      this.#upstream.push({ from: jobId, work: upstream });
      if (this.#upstream.length > UPSTREAM_JOBS_BOUND) this.#upstream.shift();
    }
    this.#newestId = jobId;
    this.#newestNtime = Math.max(this.#newestNtime + 1, minNtime);
    this.#newest = undefined;
    return this.newest;
  }

  #job(id: number, ntime: number): FarmJob {
    return {
      id,
      ntime,
      version: this.version,
      versionMask: this.versionRollingAllowed ? ROLLABLE_VERSION_BITS : 0,
      prevHash: this.tip.prevHash,
      nbits: this.tip.nbits,
      minNtime: this.tip.minNtime,
      coinbasePrefix: this.coinbasePrefix,
      coinbaseSuffix: this.coinbaseSuffix,
      merklePath: this.merklePath,
    };
  }
}
