// An upstream's job as the farm works on it: for the share checker a job of ours, for miners the jobs that were made of it.
import { type ExtendedJob, type Tip, tipOf } from '@sluice/mining/job';
import { ROLLABLE_VERSION_BITS } from '@sluice/mining/share-check';
import type { UpstreamWork } from '../upstream/upstream-work.ts';
import type { FarmJob } from './miner.ts';
import { PLACE_SIZE } from './places.ts';

export class FarmWork implements ExtendedJob {
  readonly upstream: UpstreamWork;
  /** Number of `first`. */
  readonly jobId: number;
  readonly version: number;
  readonly versionRollingAllowed: boolean;
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSuffix: Uint8Array;
  readonly merklePath: readonly Uint8Array[];
  readonly tip: Tip;
  /** Zeros before the miner's place, so that a miner's extranonce is as long on every upstream. */
  readonly padding: number;
  /** The first job that was made of it. */
  readonly first: FarmJob;
  // The upstream's own matters.
  readonly height = 0;
  readonly provider = '';
  readonly templateId = 0n;
  #ntime: number;

  /** @param feed orders tips: higher than that of any tip before. @param extranonce2Size bytes that a miner rolls. */
  constructor(upstream: UpstreamWork, jobId: number, feed: number, extranonce2Size: number) {
    const { prevHash, nbits, minNtime } = upstream;
    this.upstream = upstream;
    this.jobId = jobId;
    this.version = upstream.version;
    this.versionRollingAllowed = upstream.versionRollingAllowed;
    this.padding = upstream.extranonceSize - PLACE_SIZE - extranonce2Size;
    this.coinbasePrefix = Buffer.concat([upstream.coinbasePrefix, new Uint8Array(this.padding)]);
    this.coinbaseSuffix = upstream.coinbaseSuffix;
    this.merklePath = upstream.merklePath;
    this.tip = tipOf({ feed, prevHash, nbits, minNtime });
    this.#ntime = minNtime;
    this.first = this.#job(jobId);
  }

  /** The same work under another number: some devices take no job whose number or bytes they have seen. */
  again(jobId: number): FarmJob {
    this.#ntime += 1;
    return this.#job(jobId);
  }

  #job(id: number): FarmJob {
    return {
      id,
      ntime: this.#ntime,
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
