// What a pool of Stratum V1 has told on one connection, as work of the farm: a job with the extranonce, the difficulty and the version mask in
// force when it came. No socket in here. A string that is returned says how the pool is out of order.
import { targetOfDifficulty } from '@sluice/bitcoin/target';
import { type ShareTarget, shareTarget } from '@sluice/mining/share-target';
import type { Sv1Job } from '@sluice/sv1/job';
import type { Extranonce } from '@sluice/sv1/pool-requests';
import { isNetworkTarget } from './network-target.ts';
import type { UpstreamLink, UpstreamWork } from './upstream-work.ts';

/** What a share of a job is submitted with. */
export interface Sv1JobTerms {
  /** The pool's own. */
  readonly jobId: string;
  /** Bits of the version that may be rolled, u32; 0: none. */
  readonly versionMask: number;
}

export class Sv1Work {
  readonly #link: UpstreamLink;
  /** Bits that the farm's miners roll, u32. */
  readonly #wantedMask: number;
  #extranonce: Extranonce | undefined;
  #versionMask = 0;
  #target: ShareTarget | undefined;
  #job: Sv1Job | undefined;
  #work: UpstreamWork | undefined;
  #lastJobId = 0;
  /** For as long as somebody works on it. */
  readonly #terms = new WeakMap<UpstreamWork, Sv1JobTerms>();

  /** @param wantedMask bits that the farm's miners roll, u32. */
  constructor(link: UpstreamLink, wantedMask: number) {
    this.#link = link;
    this.#wantedMask = wantedMask;
  }

  /** What to work on; `undefined` before extranonce, difficulty and job have come, in any order. */
  get work(): UpstreamWork | undefined {
    return this.#work;
  }

  /** `undefined` for work of another connection. */
  termsOf(work: UpstreamWork): Sv1JobTerms | undefined {
    return this.#terms.get(work);
  }

  /** For jobs that come from now on; the first one for the job that waits for it. */
  setExtranonce(extranonce: Extranonce): void {
    this.#extranonce = extranonce;
    if (this.#work === undefined) this.#renew();
  }

  /** For jobs that come from now on; the first one for the job that waits for it. */
  setDifficulty(difficulty: number): void {
    this.#target = shareTarget(targetOfDifficulty(difficulty));
    if (this.#work === undefined) this.#renew();
  }

  /** Bits that the pool lets be rolled, u32; counts at once [BIP 310]. */
  setVersionMask(mask: number): void {
    if (mask === this.#versionMask) return;
    this.#versionMask = mask;
    this.#renew();
  }

  setJob(job: Sv1Job): string | undefined {
    if (!isNetworkTarget(job.nbits)) return 'nbits is no target';
    this.#job = job;
    this.#renew();
    return undefined;
  }

  #renew(): void {
    const job = this.#job;
    if (job === undefined || this.#target === undefined || this.#extranonce === undefined) return;
    this.#lastJobId = (this.#lastJobId + 1) >>> 0;
    const versionMask = this.#versionMask;
    const { extranonce1, extranonce2Size } = this.#extranonce;
    this.#work = {
      link: this.#link,
      jobId: this.#lastJobId,
      version: job.version,
      // All bits that miners were promised, or none: they are not told of fewer.
      versionRollingAllowed: (versionMask & this.#wantedMask) >>> 0 === this.#wantedMask,
      prevHash: job.prevHash,
      nbits: job.nbits,
      minNtime: job.ntime,
      coinbasePrefix: Buffer.concat([job.coinbasePrefix, extranonce1]),
      coinbaseSuffix: job.coinbaseSuffix,
      merklePath: job.merklePath,
      extranonceSize: extranonce2Size,
      target: this.#target,
    };
    this.#terms.set(this.#work, { jobId: job.jobId, versionMask });
  }
}
