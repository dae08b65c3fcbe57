// A block candidate found while nats-server is stopped reaches bitcoind by the connection that needs no bus.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bitcoind } from '../support/bitcoind.ts';
import { fundWallet, sendPayments } from '../support/mempool.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { Starvation } from '../support/starvation.ts';
import { type Sv2Channel, shareStates } from '../support/sv2-channel.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { waitFor } from '../support/wait-for.ts';

const CANDIDATES = 20;
const BOUND_MS = 100;

describe('a block candidate while nats-server is stopped', () => {
  let bitcoind: Bitcoind;
  let pool: PoolProcesses;
  let client: Sv2Client;
  let channel: Sv2Channel;

  beforeAll(async () => {
    bitcoind = await Bitcoind.start();
    await fundWallet(bitcoind);
    await sendPayments(bitcoind, 3);
    pool = await PoolProcesses.start({
      chain: { bitcoinds: [bitcoind] },
      sharesPerMinute: 60,
      easiestDifficulty: 1e-10,
    });
    client = await Sv2Client.connect({ port: pool.gatewayPort(), authorityKey: pool.authorityKey });
    channel = await client.openExtended({ identity: 'alice', hashRate: 1 });
    await waitFor(() => (channel.job?.depth ?? 0) > 0);
  });
  afterAll(async () => {
    await client?.close();
    await pool?.stop();
    await bitcoind?.stop();
  });

  const known = (name: string) =>
    bitcoind.rpc('getblockheader', [name]).then(
      () => true,
      () => false,
    );

  it(`reaches bitcoind in ${BOUND_MS} ms, and its shares are acknowledged when the bus is back`, async () => {
    await pool.nats.kill();
    await sleep(500);
    const height: number = await bitcoind.rpc('getblockcount');
    const times: number[] = [];
    const services = ['connection-gateway-0', 'template-provider-0'].map((service) => pool.service(service).pid);
    const way = [process.pid, ...services, bitcoind.pid];
    // The miner stays on its job, so all of them are for the same height: the first wins, bitcoind keeps the others beside it.
    for (let candidate = 0; candidate < CANDIDATES; candidate++) {
      const share = channel.find('block', 10_000);
      if (share === undefined) throw new Error('no block in 10,000 hashes, where every second is one');
      const name = Buffer.from(share.hash).reverse().toString('hex');
      const starvation = new Starvation(way);
      const sentAt = performance.now();
      client.submit(channel, share);
      while (!(await known(name)) && performance.now() - sentAt < 10_000) await sleep(1);
      times.push(Math.max(0, performance.now() - sentAt - starvation.sinceMs));
      await sleep(20);
    }
    times.sort((a, b) => a - b);
    const figures = { p50: times[CANDIDATES / 2], worst: times.at(-1) };
    console.info('submit to block known at bitcoind without the bus, ms:', figures);
    expect(await bitcoind.rpc('getblockcount')).toBe(height + 1);
    expect((await bitcoind.rpc('getblock', [await bitcoind.rpc('getbestblockhash'), 1])).nTx).toBeGreaterThan(1);
    expect(figures.p50).toBeLessThan(BOUND_MS);
    // One may meet a disk, or a collection of garbage.
    expect(times.filter((ms) => ms > BOUND_MS).length).toBeLessThanOrEqual(1);
    expect(channel.record.unanswered).toBe(CANDIDATES);

    await pool.nats.launch();
    await waitFor(() => channel.stateOf(channel.record.sent) === shareStates.accepted);
    expect(channel.record.accepted).toBe(CANDIDATES);
    expect(client.isOpen).toBe(true);
    await waitFor(
      async () =>
        Buffer.from(channel.tip?.prevHash ?? [])
          .reverse()
          .toString('hex') === (await bitcoind.rpc('getbestblockhash')),
    );
  });
});
