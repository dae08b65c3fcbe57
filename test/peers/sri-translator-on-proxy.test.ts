// SRI's translator, unchanged, on the proxy's Stratum V2 port in front of a pool of ours: a channel for each of its miners, and jobs for all
// of them together.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthorityKey } from '@sluice/cli/authority-keystore';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { inCi } from '../support/in-ci.ts';
import { LocalPool } from '../support/local-pool.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { readLedger } from '../support/share-ledger.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import { SriTranslator } from '../support/sri-translator.ts';
import { Sv1Miner } from '../support/sv1-miner.ts';
import { Sv2Relay } from '../support/sv2-relay.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** 9 minutes of CPU time, on a machine that does other things as well. */
const MAX_BUILD_MS = 3_600_000;
const GROUP = 1;
const MINERS = 5;
/** Hashes a second of each; a share takes 400. */
const HASHRATE = 10_000;
const TIP_TO_MINERS_MS = 1_000;

const missing = whyNoSriProgram('translator_sv2');

describe.skipIf(missing !== undefined && !inCi)(`SRI's translator on the proxy${missing ? `: ${missing}` : ''}`, () => {
  let directory: string;
  let pool: LocalPool;
  let proxy: ProxyProcess;
  let relay: Sv2Relay;
  let translator: SriTranslator;
  const miners: Sv1Miner[] = [];

  beforeAll(async () => {
    const program = await buildSriProgram('translator_sv2');
    directory = mkdtempSync(join(tmpdir(), 'sluice-proxy-translator-'));
    const file = join(directory, 'authority.key');
    const { text: authorityKey } = openAuthorityKey(file);
    pool = await LocalPool.start({ nbits: HARD_NBITS });
    const port = await freePort();
    proxy = await ProxyProcess.start({
      ...{ upstreams: [pool], identity: 'farm' },
      flags: ['--listen-sv2', `127.0.0.1:${port}`, '--authority-secret-file', file],
    });
    relay = await Sv2Relay.start('proxy', { address: `127.0.0.1:${port}`, authorityKey });
    translator = await SriTranslator.start({
      ...{ program, aggregate: false, minerHashrate: 40, sharesPerMinute: 6 },
      upstreams: [{ address: relay.address, authorityKey: relay.authorityKey }],
    });
    await translator.ready();
  }, MAX_BUILD_MS);
  afterAll(async () => {
    for (const miner of miners) miner.stop();
    await translator?.stop();
    await relay?.stop();
    await proxy?.stop();
    await pool?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const accepted = () => readLedger(relay.log).accepted;

  test('a new tip is one message for the group, each channel mines on it, and the books of all three balance', async () => {
    for (let index = 0; index < MINERS; index += 1)
      miners.push(new Sv1Miner({ port: translator.port, user: `farm.rig-${index}`, hashrate: HASHRATE }));
    await Promise.all(miners.map(({ ready }) => ready));
    const opened = relay.log.of(OpenExtendedMiningChannelSuccess);
    expect(opened.map(({ groupChannelId }) => groupChannelId)).toEqual(Array(MINERS).fill(GROUP));
    const since = relay.log.messages.length;
    const from = performance.now();
    const hash = Uint8Array.from(pool.chain.mineBlock());
    await waitFor(() => miners.every((miner) => miner.hasTip(hash)));
    for (const miner of miners) {
      const job = miner.jobs.find(({ prevHash }) => Buffer.compare(prevHash, hash) === 0);
      expect((job?.atMs ?? Infinity) - from).toBeLessThan(TIP_TO_MINERS_MS);
    }
    const tip = Buffer.from(hash).toString('hex');
    await waitFor(() =>
      opened.every(({ channelId }) => accepted().some((share) => share.channelId === channelId && share.tip === tip)),
    );
    expect(relay.log.of(SetNewPrevHash, since).map(({ channelId }) => channelId)).toEqual([GROUP]);
    const [first] = relay.log.of(NewExtendedMiningJob, since);
    expect([first?.channelId, first?.minNtime]).toEqual([GROUP, undefined]);
    for (const miner of miners) miner.hashrate = 0;
    await waitFor(() => miners.every((miner) => miner.accepted + miner.rejections.length === miner.submitted));
    await waitFor(() => readLedger(relay.log).unanswered === 0);
    const { refused, faults } = readLedger(relay.log);
    expect({ refused, faults }).toEqual({ refused: [], faults: [] });
    expect(await proxy.metric('shares_good_total')).toBe(accepted().length);
    await waitFor(async () => (await proxy.metric('upstream_shares_in_flight')) === 0);
    // A share may cross the new tip on its way up.
    const ends = ['accepted', 'refused'].map((name) => proxy.metric(`upstream_shares_${name}_total`));
    const [taken = 0, stale = 0] = await Promise.all(ends);
    expect(taken + stale).toBe(await proxy.metric('shares_forwarded_total'));
    expect(miners.every(({ isOpen }) => isOpen)).toBe(true);
  });
});
