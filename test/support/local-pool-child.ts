// The child process of `LocalPoolProcess`: a pool on a simulated chain, which does what it is told over the channel to its parent.
import { LocalPool, type LocalPoolOptions } from './local-pool.ts';
import type { LocalPoolAnswer, LocalPoolOrder } from './local-pool-process.ts';

let pool: LocalPool | undefined;

async function obey(order: LocalPoolOrder): Promise<LocalPoolAnswer> {
  if (order.kind === 'start') {
    pool = await LocalPool.start(order.options as LocalPoolOptions);
    return { kind: 'started', address: pool.address, authorityKey: pool.authorityKey };
  }
  if (pool === undefined) throw new Error('the pool was not started');
  if (order.kind === 'credits') {
    const credits = [...(await pool.credits()).values()];
    return { kind: 'credits', shares: credits.reduce((sum, { shares }) => sum + shares, 0) };
  }
  return { kind: 'block', hash: Buffer.from(pool.chain.mineBlock()).toString('hex') };
}

process.on('message', (order: LocalPoolOrder) => {
  void obey(order).then((answer) => process.send?.(answer));
});
process.on('disconnect', async () => {
  await pool?.stop();
  process.exit(0);
});
// The parent is told by its terminal too, and ends this one in order.
process.on('SIGINT', () => undefined);
