// SRI's mining_device, as it is published, on the proxy in front of a pool of ours.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { LocalPool } from '../support/local-pool.ts';
import type { MessageLog } from '../support/message-log.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { readLedger } from '../support/share-ledger.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import { Sv2Relay } from '../support/sv2-relay.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** 14 minutes of CPU time, on a machine that does other things as well. */
const MAX_BUILD_MS = 3_600_000;

interface WorkerState {
  readonly upstream_shares_refused: Readonly<Record<string, number>>;
}

/** Previous hash of the job of each share that went up, in their order. */
function tipsOfShares({ messages }: MessageLog): readonly string[] {
  const tips = new Map<number, string>();
  const shares: string[] = [];
  let tip = '';
  for (const { declared, value } of messages) {
    if (declared === SetNewPrevHash) {
      const { jobId, prevHash } = value as SetNewPrevHash;
      tip = Buffer.from(prevHash).toString('hex');
      tips.set(jobId, tip);
    } else if (declared === NewExtendedMiningJob) {
      const { jobId, minNtime } = value as NewExtendedMiningJob;
      if (minNtime !== undefined) tips.set(jobId, tip);
    } else if (declared === SubmitSharesExtended) shares.push(tips.get((value as SubmitSharesExtended).jobId) ?? '');
  }
  return shares;
}

const missing = whyNoSriProgram('mining_device');
const inCi = process.env.CI !== undefined;

describe.skipIf(missing !== undefined && !inCi)(
  `SRI mining_device on the proxy${missing ? `: ${missing}` : ''}`,
  () => {
    let directory: string;
    let pools: readonly [LocalPool, LocalPool];
    let way: TcpRelay;
    /** Between the proxy and the first pool. */
    let relay: Sv2Relay;
    let proxy: ProxyProcess;
    let device: PeerProcess;

    beforeAll(async () => {
      const program = await buildSriProgram('mining_device');
      directory = mkdtempSync(join(tmpdir(), 'sluice-proxy-device-'));
      const file = join(directory, 'authority.key');
      const { text: authorityKey } = openAuthorityKey(file);
      pools = await Promise.all([LocalPool.start({ nbits: HARD_NBITS }), LocalPool.start({ nbits: HARD_NBITS })]);
      way = await TcpRelay.start(Number(pools[0].address.split(':')[1]));
      relay = await Sv2Relay.start('pool', { address: `127.0.0.1:${way.port}`, authorityKey: pools[0].authorityKey });
      const port = await freePort();
      proxy = await ProxyProcess.start({
        upstreams: [
          { address: relay.address, authorityKey: relay.authorityKey },
          { address: pools[1].address, authorityKey: pools[1].authorityKey },
        ],
        identity: 'farm',
        flags: [
          ...['--listen-sv2', `127.0.0.1:${port}`, '--authority-secret-file', file],
          ...['--shares-per-minute', '120', '--return-after', '3600'],
        ],
      });
      await waitFor(async () => (await proxy.metric('upstream_up')) === 2);
      device = new PeerProcess(program, [
        ...['--address-pool', `127.0.0.1:${port}`, '--pubkey-pool', authorityKey, '--id-user', 'farm.device'],
        ...['--cores', '1', '--handicap', '1000', '--nonces-per-call', '1000'],
        ...['--nominal-hashrate-multiplier', '0.02'],
      ]);
    }, MAX_BUILD_MS);
    afterAll(async () => {
      await device?.stop();
      await proxy?.stop();
      await relay?.stop();
      await way?.stop();
      await Promise.all((pools ?? []).map((pool) => pool.stop()));
      rmSync(directory, { recursive: true, force: true });
    });

    const count = (text: string) => device.lines.filter((line) => line.includes(text)).length;
    const acknowledged = () => count('Received SubmitSharesSuccess');

    /** Shares are accepted from now on. */
    async function mines(): Promise<void> {
      const before = acknowledged();
      await device.until(() => acknowledged() >= before + 3);
    }

    test('mines over a new tip and over a fail-over on one connection, and every accepted share is in the books', async () => {
      await mines();
      const tips = count('Received SetNewPrevHash');
      pools[0].chain.mineBlock();
      await device.until(() => count('Received SetNewPrevHash') === tips + 1);
      await mines();
      await waitFor(() => new Set(tipsOfShares(relay.log)).size === 2);
      const ledger = readLedger(relay.log);
      expect({ refused: ledger.refused, faults: ledger.faults }).toEqual({ refused: [], faults: [] });
      const sentOn = tipsOfShares(relay.log);
      // What is stale at the pool was on its way when the tip came: nothing goes up for the one before any more.
      expect(sentOn).toEqual(sentOn.toSorted((a, b) => sentOn.indexOf(a) - sentOn.indexOf(b)));
      way.cut();
      await device.until(() => count('Received SetNewPrevHash') === tips + 2);
      await mines();
      expect(await proxy.metric('sv2_connections_accepted_total')).toBe(1);
      expect(await proxy.metric('sv2_connections')).toBe(1);
      await device.stop();
      await waitFor(async () => (await proxy.metric('sv2_connections')) === 0);
      await waitFor(async () => (await proxy.metric('upstream_shares_in_flight')) === 0);
      const [good, kept, unserved, forwarded] = await Promise.all(
        ['good', 'kept', 'unserved', 'forwarded'].map((name) => proxy.metric(`shares_${name}_total`)),
      );
      expect((kept ?? 0) + (unserved ?? 0) + (forwarded ?? 0)).toBe(good);
      expect(good).toBeGreaterThanOrEqual(acknowledged());
      const ends = ['accepted', 'refused', 'unanswered'].map((name) => proxy.metric(`upstream_shares_${name}_total`));
      const [accepted = 0, refused = 0, unanswered = 0] = await Promise.all(ends);
      expect(accepted + refused + unanswered).toBe(forwarded);
      // Hundreds a second go up before the pool's target has risen: those of the milliseconds in which its tip is on its way are stale.
      const { workers } = (await proxy.api('/workers')) as { workers: readonly WorkerState[] };
      expect(workers.map((worker) => worker.upstream_shares_refused['stale-share'] ?? 0)).toEqual([refused]);
      const credits = async () => {
        const all = await Promise.all(pools.map((pool) => pool.credits()));
        return all.reduce((sum, each) => sum + (each.get('farm.device')?.shares ?? 0), 0);
      };
      await waitFor(async () => (await credits()) >= accepted);
      expect(await credits()).toBeLessThanOrEqual(accepted + unanswered);
    });
  },
);
