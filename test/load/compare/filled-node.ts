// The node that every measured pool has its templates from: somebody else's blocks on demand, a mempool that stays.
import { announcementLog } from '../../latency/announcements.ts';
import { Bitcoind } from '../../support/bitcoind.ts';
import { fundWallet, sendSinglePayments } from '../../support/mempool.ts';

/** Merkle paths of 12 levels, as on the main network. */
export const TRANSACTIONS = 2_100;

export async function startFilledNode(transactions: number): Promise<Bitcoind> {
  const bitcoind = await Bitcoind.start({ extraArguments: announcementLog });
  try {
    await fundWallet(bitcoind);
    await sendSinglePayments(bitcoind, transactions);
    return bitcoind;
  } catch (error) {
    await bitcoind.stop();
    throw error;
  }
}

/** A node goes on waiting for whoever asked, who is gone, and has few threads for it: a block ends it. */
export async function endLongPolls(bitcoind: Bitcoind): Promise<void> {
  await bitcoind.rpc('generateblock', ['raw(5109)', []]);
}
