// What is known of the channel on an upstream: jobs that wait, the tip, the work in force [sv2 5.3.15 to 5.3.22]. No socket in here.
// A string that is returned says how the upstream is out of order.
import { equalBytes } from '@sluice/bitcoin/serialize';
import { type ShareTarget, shareTargetFromBytes } from '@sluice/mining/share-target';
import type { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import type { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import type { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { isNetworkTarget } from './network-target.ts';
import type { UpstreamLink, UpstreamWork } from './upstream-work.ts';

/** Jobs that wait for their tip; the oldest goes. */
export const FUTURE_JOBS_BOUND = 16;
/** Bytes of a full extranonce [sv2 5.1]. */
export const EXTRANONCE_BOUND = 32;
/** Bytes of a coinbase; firmware gives up far below it. */
const COINBASE_BOUND = 100_000;

type Coinbase = Pick<UpstreamWork, 'coinbasePrefix' | 'coinbaseSuffix' | 'merklePath'>;
type FutureJob = Omit<UpstreamWork, 'prevHash' | 'nbits' | 'minNtime' | 'target'>;

export class ChannelWork {
  readonly id: number;
  /** Bytes that the channel rolls. */
  readonly extranonceSize: number;
  groupId: number;
  readonly #link: UpstreamLink;
  #extranoncePrefix: Uint8Array;
  #target: ShareTarget;
  readonly #future = new Map<number, FutureJob>();
  #work: UpstreamWork | undefined;

  constructor(link: UpstreamLink, opened: OpenExtendedMiningChannelSuccess) {
    this.#link = link;
    this.id = opened.channelId;
    this.groupId = opened.groupChannelId;
    this.extranonceSize = opened.extranonceSize;
    this.#extranoncePrefix = opened.extranoncePrefix;
    this.#target = shareTargetFromBytes(opened.target);
  }

  /** What to work on; `undefined` before the first tip. */
  get work(): UpstreamWork | undefined {
    return this.#work;
  }

  /** Whether a message for a channel or a group is for this one. */
  isMeant(channelId: number): boolean {
    return channelId === this.id || channelId === this.groupId;
  }

  /** 32 bytes: for jobs that come, and tips, from now on. */
  setTarget(target: Uint8Array): void {
    this.#target = shareTargetFromBytes(target);
  }

  /** For jobs that come from now on. */
  setExtranoncePrefix(prefix: Uint8Array): string | undefined {
    if (this.extranonceSize + prefix.length > EXTRANONCE_BOUND) return 'an extranonce of more than 32 bytes';
    this.#extranoncePrefix = prefix;
    return undefined;
  }

  /** A future job waits; any other is the work from now on. */
  addJob(message: NewExtendedMiningJob): string | undefined {
    const { jobId, minNtime, coinbaseTxPrefix, coinbaseTxSuffix } = message;
    if (coinbaseTxPrefix.length + coinbaseTxSuffix.length > COINBASE_BOUND)
      return 'a coinbase that no miner could hash';
    const job: FutureJob = {
      link: this.#link,
      jobId,
      version: message.version,
      versionRollingAllowed: message.versionRollingAllowed,
      ...this.#kept(message),
      extranonceSize: this.extranonceSize,
    };
    if (minNtime === undefined) {
      this.#wait(job);
      return undefined;
    }
    if (this.#work === undefined) return 'an active job before any tip';
    const { prevHash, nbits } = this.#work;
    this.#work = { ...job, prevHash, nbits, minNtime, target: this.#target };
    return undefined;
  }

  /** A new tip: the future job that it names is the work, all others are void. */
  setNewPrevHash({ jobId, prevHash, nbits, minNtime }: SetNewPrevHash): string | undefined {
    const job = this.#future.get(jobId);
    this.#future.clear();
    if (job === undefined) return 'names a future job that was not sent';
    if (!isNetworkTarget(nbits)) return 'nbits is no target';
    this.#work = { ...job, prevHash, nbits, minNtime, target: this.#target };
    return undefined;
  }

  /** What the present work has of the same bytes already: a pool tells a job again with each target, and there are many channels. */
  #kept({ coinbaseTxPrefix, coinbaseTxSuffix, merklePath }: NewExtendedMiningJob): Coinbase {
    const coinbasePrefix = Buffer.concat([coinbaseTxPrefix, this.#extranoncePrefix]);
    const work = this.#work;
    const isSame =
      work !== undefined &&
      equalBytes(work.coinbasePrefix, coinbasePrefix) &&
      equalBytes(work.coinbaseSuffix, coinbaseTxSuffix) &&
      work.merklePath.length === merklePath.length &&
      work.merklePath.every((hash, index) => equalBytes(hash, merklePath[index]!));
    return isSame
      ? { coinbasePrefix: work.coinbasePrefix, coinbaseSuffix: work.coinbaseSuffix, merklePath: work.merklePath }
      : { coinbasePrefix, coinbaseSuffix: coinbaseTxSuffix, merklePath };
  }

  #wait(job: FutureJob): void {
    this.#future.delete(job.jobId);
    this.#future.set(job.jobId, job);
    const [oldest] = this.#future.keys();
    if (this.#future.size > FUTURE_JOBS_BOUND && oldest !== undefined) this.#future.delete(oldest);
  }
}
