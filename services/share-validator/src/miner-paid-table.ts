// What the good shares of a batch are worth whose blocks pay their miner: nobody is owed anything for them, so that they stand apart.
import type { BatchChannel } from '@sluice/bus/payloads/share-batch';
import type { ShareTarget } from '@sluice/mining/share-target';
import type { Credit } from './credit-sums.ts';
import { CreditTable } from './credit-table.ts';

export interface MinerPaid extends Credit {
  /** Whole per cent of a block that the miner gives to the pool. */
  readonly poolPercent: number;
}

export class MinerPaidTable {
  readonly #byPercent = new Map<number, CreditTable>();

  add(channel: BatchChannel, channelIndex: number, targetIndex: number, target: ShareTarget): void {
    let table = this.#byPercent.get(channel.poolPercent);
    if (table === undefined) {
      table = new CreditTable();
      this.#byPercent.set(channel.poolPercent, table);
    }
    table.add(channel, channelIndex, targetIndex, target);
  }

  /** One entry for each address, worker and percentage. */
  list(): MinerPaid[] {
    return [...this.#byPercent].flatMap(([poolPercent, table]) =>
      table.list().map((credit) => ({ ...credit, poolPercent })),
    );
  }
}
