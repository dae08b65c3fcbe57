// What the good shares of one batch are worth. Shares are counted by channel and target, and work is multiplied out once at the end:
// exact, and without a bigint a share.
import type { BatchChannel } from '@sluice/bus/payloads/share-batch';
import type { ShareTarget } from '@sluice/mining/share-target';
import { type Credit, CreditSums } from './credit-sums.ts';

interface Tally {
  readonly channel: BatchChannel;
  readonly target: ShareTarget;
  shares: number;
}

const INDICES = 65_536;

export class CreditTable {
  /** By channel index and target index of the batch. */
  readonly #tallies = new Map<number, Tally>();

  add(channel: BatchChannel, channelIndex: number, targetIndex: number, target: ShareTarget): void {
    const key = channelIndex * INDICES + targetIndex;
    const tally = this.#tallies.get(key);
    if (tally === undefined) this.#tallies.set(key, { channel, target, shares: 1 });
    else tally.shares += 1;
  }

  /** One entry for each identity and worker. */
  list(): readonly Credit[] {
    const sums = new CreditSums();
    for (const { channel, target, shares } of this.#tallies.values()) {
      const work = shares === 1 ? target.work : target.work * BigInt(shares);
      sums.add(channel.identity, channel.worker, shares, work);
    }
    return sums.list();
  }
}
