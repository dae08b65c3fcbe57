// The jobs of one channel of a pool as a pool of Stratum V1 sends them: one mining.notify for each, its coinbase with room for twelve bytes
// of extranonce.
import type { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import type { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import type { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import type { Sv1Pool } from '../../support/sv1-pool.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { JobListener } from './upstream-relay.ts';

/** extranonce1 of four bytes and extranonce2 of eight. */
const SV1_EXTRANONCE = 12;
/** Version, count of inputs and the outpoint stand before the length of the script. */
const SCRIPT_LENGTH = 41;
const WAIT_MS = 30_000;

export class JobFeed implements JobListener {
  /** Jobs that began to count, and how many of them on another tip. */
  jobs = 0;
  tips = 0;
  /** Of the newest job. */
  levels = 0;
  prevHash: Uint8Array = new Uint8Array(32);
  readonly #pool: Sv1Pool;
  /** What the channel has beyond those twelve bytes. */
  #spare = 0;
  #tip: SetNewPrevHash | undefined;
  readonly #future = new Map<number, NewExtendedMiningJob>();

  constructor(pool: Sv1Pool) {
    this.#pool = pool;
  }

  onOpened({ extranoncePrefix, extranonceSize }: OpenExtendedMiningChannelSuccess): void {
    this.#spare = extranoncePrefix.length + extranonceSize - SV1_EXTRANONCE;
  }

  onJob(job: NewExtendedMiningJob): void {
    if (job.minNtime === undefined) this.#future.set(job.jobId, job);
    else this.#give(job, job.minNtime, false);
  }

  onTip(tip: SetNewPrevHash): void {
    const job = this.#future.get(tip.jobId);
    this.#future.clear();
    if (job === undefined) throw new Error(`a tip names job ${tip.jobId}, which was not sent`);
    this.#tip = tip;
    this.tips += 1;
    this.prevHash = tip.prevHash;
    this.#give(job, tip.minNtime, true);
  }

  /** Resolves when more than so many jobs came, the newest of them with transactions. */
  hasMoreThan(jobs: number): Promise<void> {
    return waitFor(() => this.jobs > jobs && this.levels > 0, WAIT_MS);
  }

  #give(job: NewExtendedMiningJob, ntime: number, clean: boolean): void {
    if (this.#tip === undefined) throw new Error('a job came before any tip');
    const { prevHash, nbits } = this.#tip;
    const { coinbaseTxPrefix, coinbaseTxSuffix, merklePath, version } = job;
    const coinbasePrefix = Uint8Array.from(coinbaseTxPrefix);
    coinbasePrefix[SCRIPT_LENGTH]! -= this.#spare;
    this.jobs += 1;
    this.levels = merklePath.length;
    const work = { prevHash, nbits, version, merklePath, coinbasePrefix, coinbaseSuffix: coinbaseTxSuffix };
    this.#pool.giveJob(work, ntime, clean);
  }
}
