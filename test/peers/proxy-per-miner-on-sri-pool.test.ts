// The proxy with a channel for each miner in front of SRI's pool, unchanged, which has its templates from ours.
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inCi } from '../support/in-ci.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { readLedger } from '../support/share-ledger.ts';
import { SriPool } from '../support/sri-pool.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import type { Sv1Miner } from '../support/sv1-miner.ts';
import { Sv2Relay } from '../support/sv2-relay.ts';
import { TemplateServer } from '../support/template-server.ts';
import { waitFor } from '../support/wait-for.ts';

const MAX_BUILD_MS = 3_600_000;
const MINERS = 20;
const missing = whyNoSriProgram('pool_sv2');
if (missing !== undefined) {
  if (inCi) throw new Error(missing);
  console.log(`skipped: ${missing}`);
}

describe.skipIf(missing !== undefined)("a channel for each miner on SRI's pool", () => {
  let server: TemplateServer;
  let pool: SriPool;
  let relay: Sv2Relay;
  let proxy: ProxyProcess;
  let miners: readonly Sv1Miner[];

  beforeAll(async () => {
    const program = await buildSriProgram('pool_sv2');
    // A block takes 2^32 hashes: none is found here.
    server = await TemplateServer.start({ simulatedNbits: '1d00ffff' });
    pool = await SriPool.start({ program, templateServer: server, payout: 'raw(51)', sharesPerMinute: 600 });
    relay = await Sv2Relay.start('farm', { address: `127.0.0.1:${pool.port}`, authorityKey: pool.authorityKey });
    proxy = await ProxyProcess.start({
      ...{ upstreams: [relay], identity: 'farm' },
      flags: ['--channels', 'per-miner', '--shares-per-minute', '60'],
    });
    miners = await proxy.connect(MINERS, 1_000);
  }, MAX_BUILD_MS);
  afterAll(async () => {
    await proxy?.stop();
    await relay?.stop();
    await pool?.stop();
    await server?.stop();
  });

  test('twenty miners are twenty channels with names beside that of the farm, each with its own extranonce prefix', async () => {
    await waitFor(async () => (await proxy.metric('miner_channels')) === MINERS);
    const names = relay.log.of(OpenExtendedMiningChannel).map(({ userIdentity }) => userIdentity);
    expect(names.toSorted()).toEqual(
      ['farm', ...Array.from({ length: MINERS }, (_, index) => `farm.rig-${index}`)].toSorted(),
    );
    const prefixes = relay.log
      .of(OpenExtendedMiningChannelSuccess)
      .map(({ extranoncePrefix }) => Buffer.from(extranoncePrefix).toString('hex'));
    expect(new Set(prefixes).size).toBe(MINERS + 1);
  });

  test('what goes up is accepted, none is refused, and each channel has a share of its miner', async () => {
    const sharing = () => new Set(relay.log.of(SubmitSharesExtended).map(({ channelId }) => channelId)).size;
    await waitFor(() => readLedger(relay.log).accepted.length > 400 && sharing() >= MINERS);
    await proxy.pause();
    expect(miners.flatMap(({ rejections }) => rejections)).toEqual([]);
    const [kept, sent] = [await proxy.metric('shares_kept_total'), await proxy.metric('shares_forwarded_total')];
    expect(kept + sent).toBe(miners.reduce((total, { accepted }) => total + accepted, 0));
    const ledger = readLedger(relay.log);
    expect({ ...ledger, accepted: ledger.accepted.length }).toEqual({
      ...{ sent, accepted: sent, refused: [], unanswered: 0, faults: [] },
    });
    expect(await proxy.metric('upstream_shares_accepted_total')).toBe(sent);
    // The pool has its say on each channel's difficulty.
    expect(new Set(relay.log.of(SetTarget).map(({ channelId }) => channelId)).size).toBeGreaterThan(1);
  });

  test('a job for the group of them all is one for each miner', async () => {
    const before = miners.map(({ jobs }) => jobs.length);
    const groupJobs = () => {
      const channels = new Set(relay.log.of(OpenExtendedMiningChannelSuccess).map(({ channelId }) => channelId));
      return relay.log.of(NewExtendedMiningJob).filter(({ channelId }) => !channels.has(channelId)).length;
    };
    const from = groupJobs();
    await waitFor(() => groupJobs() > from && miners.every(({ jobs }, index) => jobs.length > (before[index] ?? 0)));
    const prefixes = miners.map(({ jobs }) => Buffer.from(jobs.at(-1)?.coinbasePrefix ?? []).toString('hex'));
    expect(new Set(prefixes).size).toBe(MINERS);
  });
});
