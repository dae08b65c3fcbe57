// The proxy in front of SRI's pool, unchanged, which has its templates from ours. A relay keeps what proxy and pool say to each other.
import { extensionTypes } from '@sluice/sv2/extensions';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inCi } from '../support/in-ci.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { readLedger } from '../support/share-ledger.ts';
import { SriPool } from '../support/sri-pool.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import { Sv2Relay } from '../support/sv2-relay.ts';
import { TemplateServer } from '../support/template-server.ts';
import { waitFor } from '../support/wait-for.ts';

const MAX_BUILD_MS = 3_600_000;
const missing = whyNoSriProgram('pool_sv2');
if (missing !== undefined) {
  if (inCi) throw new Error(missing);
  console.log(`skipped: ${missing}`);
}

describe.skipIf(missing !== undefined)("the proxy on SRI's pool", () => {
  let server: TemplateServer;
  let pool: SriPool;
  let relay: Sv2Relay;
  let proxy: ProxyProcess;
  /** Whether the jobs of the pool are kept from the proxy. */
  let isQuiet = false;

  beforeAll(async () => {
    const program = await buildSriProgram('pool_sv2');
    // A block takes 2^32 hashes: none is found here.
    server = await TemplateServer.start({ simulatedNbits: '1d00ffff' });
    pool = await SriPool.start({
      ...{ program, templateServer: server, payout: 'raw(51)' },
      // As an operator has it by default: acknowledged at every tenth share, whenever that comes.
      ...{ shareBatchSize: 10, sharesPerMinute: 600, supportedExtensions: [extensionTypes.workerHashrateTracking] },
    });
    relay = await Sv2Relay.start(
      'farm',
      { address: `127.0.0.1:${pool.port}`, authorityKey: pool.authorityKey },
      ({ declared }) => (isQuiet && declared === NewExtendedMiningJob ? 'drop' : undefined),
    );
    proxy = await ProxyProcess.start({ upstreams: [relay], identity: 'farm', flags: ['--shares-per-minute', '60'] });
  }, MAX_BUILD_MS);
  afterAll(async () => {
    await proxy?.stop();
    await relay?.stop();
    await pool?.stop();
    await server?.stop();
  });

  test('ten miners are one channel with names; what the pool acknowledges is what went up, none is refused', async () => {
    const miners = await proxy.connect(10, 2_000);
    const forwarded = () => relay.log.of(SubmitSharesExtended).length;
    await waitFor(() => forwarded() >= 100 && miners.every(({ accepted }) => accepted > 0));
    for (const miner of miners) miner.hashrate = 0;
    await waitFor(() => miners.every((miner) => miner.accepted + miner.rejections.length === miner.submitted));
    expect(miners.flatMap(({ rejections }) => rejections)).toEqual([]);
    expect(relay.log.of(SetupConnectionSuccess)).toHaveLength(1);
    expect(relay.log.of(OpenExtendedMiningChannel)).toHaveLength(1);
    expect(relay.log.of(RequestExtensionsSuccess)[0]?.supportedExtensions).toEqual([2]);
    const good = miners.reduce((total, { accepted }) => total + accepted, 0);
    const [kept, sent] = [await proxy.metric('shares_kept_total'), await proxy.metric('shares_forwarded_total')];
    expect(kept + sent).toBe(good);
    const ledger = readLedger(relay.log);
    expect({ sent: ledger.sent, refused: ledger.refused, faults: ledger.faults }).toEqual({
      ...{ sent, refused: [], faults: [] },
    });
    // Less than a batch waits for shares that do not come any more; its miners were told what the proxy found.
    expect(ledger.unanswered).toBeLessThan(10);
    expect(ledger.accepted.length + ledger.unanswered).toBe(sent);
    expect(await proxy.metric('upstream_shares_accepted_total')).toBe(ledger.accepted.length);
    expect(new Set(ledger.accepted.map(({ name }) => name)).size).toBeGreaterThan(1);
  });

  test('a silent pool is asked whether it is there, and answers', async () => {
    isQuiet = true;
    const before = relay.log.of(RequestExtensionsSuccess).length;
    await waitFor(() => relay.log.of(RequestExtensionsSuccess).length > before + 1);
    expect(await proxy.metric('upstream_downs_total')).toBe(0);
    expect(await proxy.metric('upstream_active')).toBe(1);
  });
});
