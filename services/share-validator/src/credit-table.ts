// What the good shares of one batch are worth. Shares are counted by channel and target, and work is multiplied out once at the end:
// exact, and without a bigint a share.
import type { BatchChannel } from '@sluice/bus/payloads/share-batch';
import type { ShareTarget } from '@sluice/mining/share-target';
import { workerKey } from './worker-key.ts';

export interface Credit {
  readonly identity: string;
  readonly worker: string;
  readonly shares: number;
  /** Expected hashes, exact for each share. */
  readonly work: bigint;
}

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
  list(): Credit[] {
    const credits = new Map<string, { identity: string; worker: string; shares: number; work: bigint }>();
    for (const { channel, target, shares } of this.#tallies.values()) {
      const { identity, worker } = channel;
      const key = workerKey(identity, worker);
      const work = target.work * BigInt(shares);
      const credit = credits.get(key);
      if (credit === undefined) credits.set(key, { identity, worker, shares, work });
      else {
        credit.shares += shares;
        credit.work += work;
      }
    }
    return [...credits.values()];
  }
}
