// Miners of Stratum V2 on the proxy as a process, between them and whole pools of ours: both sides are counted, a pool is taken away and given
// back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import type { Sv1Miner } from '../support/sv1-miner.ts';
import type { Sv2Channel } from '../support/sv2-channel.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { TwoPools } from '../support/two-pools.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
const FAIL_OVER_MS = 2_000;
const TIP_TO_MINERS_MS = 1_000;
const RETURN_SECONDS = 2;
/** A share takes 500 hashes here, and 20,000 or so for the pool. */
const CLAIM = 500;

describe('miners of Stratum V2 on the proxy', () => {
  let directory: string;
  let two: TwoPools;
  let proxy: ProxyProcess;
  let clients: readonly [Sv2Client, Sv2Client];
  let channels: readonly Sv2Channel[];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-proxy-sv2-'));
    const file = join(directory, 'authority.key');
    const { text: authorityKey } = openAuthorityKey(file);
    two = await TwoPools.start(HARD_NBITS);
    const port = await freePort();
    proxy = await ProxyProcess.start({
      upstreams: two.upstreams,
      identity: 'farm',
      flags: [
        ...['--listen-sv2', `127.0.0.1:${port}`, '--authority-secret-file', file],
        ...['--shares-per-minute', '60', '--return-after', String(RETURN_SECONDS)],
      ],
    });
    clients = await Promise.all([
      Sv2Client.connect({ port, authorityKey }),
      Sv2Client.connect({ port, authorityKey, standardJobsOnly: true }),
    ]);
    channels = await Promise.all([
      clients[0].openExtended({ identity: 'farm.extended', hashRate: CLAIM }),
      clients[0].openStandard({ identity: 'farm.standard', hashRate: CLAIM }),
      clients[1].openStandard({ identity: 'farm.header', hashRate: CLAIM }),
    ]);
    await waitFor(async () => (await proxy.metric('upstream_up')) === 2);
  });
  afterAll(async () => {
    await Promise.all((clients ?? []).map((client) => client.close()));
    await proxy?.stop();
    await two?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const clientOf = (channel: Sv2Channel) => (channel === channels[2] ? clients[1] : clients[0]);

  /** Has every channel find so many shares, each of which is accepted. */
  async function mine(count: number): Promise<void> {
    for (const channel of channels) {
      const { accepted } = channel.record;
      for (let found = 0; found < count; ) {
        const share = channel.find('share', 100_000);
        if (share !== undefined) {
          clientOf(channel).submit(channel, share);
          found += 1;
        }
        // Jobs and answers are read meanwhile.
        await new Promise((resolve) => setImmediate(resolve));
      }
      await waitFor(() => channel.waiting === 0);
      expect(channel.record.accepted - accepted).toBe(count);
      expect([...channel.record.refused]).toEqual([]);
      expect(channel.record.faults).toEqual([]);
    }
  }

  const hasTip = (channel: Sv2Channel, hash: Uint8Array) =>
    channel.tip !== undefined && Buffer.compare(channel.tip.prevHash, hash) === 0 && channel.job !== undefined;

  test('what they are told is accepted is what was kept and what went up, beside a miner of Stratum V1', async () => {
    const [rig] = await proxy.connect(1, 8_000);
    await mine(60);
    await waitFor(async () => (rig as Sv1Miner).accepted > 0 && (await proxy.metric('shares_forwarded_total')) > 5);
    await proxy.pause();
    const accepted = channels.reduce((sum, { record }) => sum + record.accepted, (rig as Sv1Miner).accepted);
    expect(await proxy.metric('shares_good_total')).toBe(accepted);
    const forwarded = await proxy.metric('shares_forwarded_total');
    expect((await proxy.metric('shares_kept_total')) + forwarded).toBe(accepted);
    expect(await proxy.metric('upstream_shares_accepted_total')).toBe(forwarded);
    const credited = async () => {
      const credits = [...(await two.pools[0].credits())].filter(([name]) => name.startsWith('farm.'));
      return credits.reduce((sum, [, { shares }]) => sum + shares, 0);
    };
    await waitFor(async () => (await credited()) === forwarded);
    expect(await proxy.metric('sv2_channels')).toBe(3);
    expect(new Set(channels.map(({ record }) => record.prefix)).size).toBe(3);
  });

  test('a block of somebody else reaches each channel within a second, and its work is good', async () => {
    const from = performance.now();
    const hash = Uint8Array.from(two.pools[0].chain.mineBlock());
    await waitFor(() => channels.every((channel) => hasTip(channel, hash)));
    for (const { tip } of channels) expect((tip?.at ?? Infinity) - from).toBeLessThan(TIP_TO_MINERS_MS);
    await mine(5);
    for (const { tipsWithoutJob } of channels) expect(tipsWithoutJob).toBe(0);
  });

  test('when the pool fails they have work of the next within two seconds, and of the first when it is back, on the same connections', async () => {
    const [first] = two.ways;
    first.cut();
    await waitFor(() => channels.every((channel) => hasTip(channel, two.pools[1].chain.tipHash)));
    expect(performance.now() - first.brokenAt).toBeLessThan(FAIL_OVER_MS);
    await mine(5);
    first.restore();
    await waitFor(() => channels.every((channel) => hasTip(channel, two.pools[0].chain.tipHash)));
    await mine(5);
    expect(clients.map(({ isOpen }) => isOpen)).toEqual([true, true]);
    expect(await proxy.metric('sv2_connections_accepted_total')).toBe(2);
  });
});
