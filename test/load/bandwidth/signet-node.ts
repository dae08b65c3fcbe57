// The node that templates come from: a signet of its own whose blocks need no signature, because shares of regtest that are a hundred
// times harder than others are blocks. Its first blocks take half a billion hashes together, some minutes, and are kept for the next time.
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bitcoind } from '../../support/bitcoind.ts';
import { bitcoindCommand } from '../../support/bitcoind-binary.ts';
import { cacheDirectory } from '../../support/cache.ts';
import { fundWallet, openWallet, sendSinglePayments } from '../../support/mempool.ts';

const options = {
  chain: 'signet',
  // Without the last one Knots makes blocks of 300 kB.
  extraArguments: ['-signetchallenge=51', '-dnsseed=0', '-connect=0', '-blockmaxweight=3990000'],
} as const;
/** The node gives up after a million hashes each time. */
const MAX_TRIES = 200;

/** With so many payments that wait, none of which spends another. */
export async function startSignetNode(transactions: number): Promise<Bitcoind> {
  const { program, leadingArguments } = await bitcoindCommand();
  const kept = cacheDirectory('signet-chain', [program, ...leadingArguments].join());
  const complete = join(kept, 'complete');
  const bitcoind = existsSync(complete) ? await continueFrom(join(kept, 'data')) : await Bitcoind.start(options);
  try {
    if (!existsSync(complete)) {
      await fundWallet(bitcoind, 1);
      await keep(bitcoind, join(kept, 'data'));
      writeFileSync(complete, '');
    }
    await sendSinglePayments(bitcoind, transactions);
    return bitcoind;
  } catch (error) {
    await bitcoind.stop();
    throw error;
  }
}

async function continueFrom(data: string): Promise<Bitcoind> {
  const bitcoind = await Bitcoind.start({ ...options, data });
  await openWallet(bitcoind);
  return bitcoind;
}

async function keep(bitcoind: Bitcoind, data: string): Promise<void> {
  await bitcoind.kill('SIGTERM');
  rmSync(data, { recursive: true, force: true });
  cpSync(bitcoind.directory, data, { recursive: true });
  await bitcoind.launch();
  await openWallet(bitcoind);
}

/** Somebody else's block, without transactions, so that the mempool stays. */
export async function mineEmptyBlock(bitcoind: Bitcoind): Promise<void> {
  for (let branch = 0; ; branch++)
    try {
      await bitcoind.rpc('generateblock', [`raw(51${branch.toString(16).padStart(2, '0')})`, []]);
      return;
    } catch (error) {
      if (branch === MAX_TRIES) throw error;
    }
}
