// Miners of the reference implementation on the whole pool: a client on its published crates, and its own mining_device. Tests that
// repeat a scenario of its integration suite carry that scenario's name.
import { baseJobId } from '@sluice/mining/job-id';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LocalPool } from '../support/local-pool.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { buildSriPeer, whyNoSriPeer } from '../support/sri.ts';
import { SriClient } from '../support/sri-client.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** Every second hash is a block. */
const EASY_NBITS = 0x207f_ffff;
const REQUIRES_STANDARD_JOBS = '1';
const JOB_DECLARATION_PROTOCOL = '1';
/** More than any client here gets to: it mines until the test stops it. */
const ENDLESS = '1000000';
/** A share takes 40,000 hashes at first: some tens of milliseconds. */
const HASHRATE = '20000';

/** 14 minutes of CPU time, on a machine that does other things as well. */
const MAX_BUILD_MS = 3_600_000;

const missingPeer = whyNoSriPeer();
const missingDevice = whyNoSriProgram('mining_device');
const inCi = process.env.CI !== undefined;

describe.skipIf(missingPeer !== undefined && !inCi)(
  `SRI client on the pool${missingPeer ? `: ${missingPeer}` : ''}`,
  () => {
    let program = '';
    let pool: LocalPool;
    const clients: SriClient[] = [];

    beforeAll(async () => {
      program = await buildSriPeer();
      pool = await LocalPool.start({ nbits: HARD_NBITS });
    });
    afterAll(() => pool.stop());
    afterEach(async () => {
      await Promise.all(clients.splice(0).map(({ process }) => process.stop()));
    });

    function client(...options: string[]): SriClient {
      const started = new SriClient(program, pool, ['--hashrate', HASHRATE, ...options]);
      clients.push(started);
      return started;
    }

    async function credited(worker: string, shares: number): Promise<void> {
      await waitFor(async () => (await pool.credits()).get(worker)?.shares === shares);
    }

    test('both kinds of channel: each acknowledged share is credited', async () => {
      const miner = client('--identity', 'both.rig', '--channels', 'standard,extended', '--shares', '10');
      expect(await miner.end()).toBeUndefined();
      expect(miner.of('done')).toMatchObject([
        {
          channels: [
            { extended: false, accepted: 10 },
            { extended: true, accepted: 10 },
          ],
          refused: {},
        },
      ]);
      await credited('both.rig', 20);
    });

    test('the client refuses a pool whose certificate another authority signed', async () => {
      const other = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
      const miner = new SriClient(program, { address: pool.address, authorityKey: other }, []);
      clients.push(miner);
      expect(await miner.end()).toMatch(/handshake: .*InvalidCertificate/);
    });

    test('pool_standard_channel_receives_share', async () => {
      const miner = client('--identity', 'standard.rig', '--channels', 'standard', '--shares', '1', '--flags', '1');
      expect(await miner.end()).toBeUndefined();
      const order = miner.events.map(({ event }) => event);
      const wanted = ['handshake', 'setup', 'open', 'job', 'tip', 'submit', 'accepted', 'done'];
      expect([...new Set(order)]).toEqual(wanted);
      expect(miner.of('job')[0]).toMatchObject({ future: true, job: miner.of('tip')[0]?.job });
      await credited('standard.rig', 1);
    });

    test('pool_reject_setup_connection_with_non_mining_protocol', async () => {
      expect(await client('--protocol', JOB_DECLARATION_PROTOCOL).end()).toBe('setup refused: unsupported-protocol');
    });

    test('pool_reject_setup_connection_with_unsupported_version', async () => {
      expect(await client('--version', '3').end()).toBe('setup refused: protocol-version-mismatch');
    });

    test('pool_without_jds_rejects_set_custom_mining_job, and serves the channel all the same', async () => {
      const miner = client('--channels', 'extended', '--custom-jobs', '1', '--shares', '2');
      expect(await miner.end()).toBeUndefined();
      expect(miner.of('customJobRefused')).toMatchObject([{ code: 'jd-not-supported' }]);
    });

    test('pool_require_standard_jobs_set_rejects_open_extended_mining_channel', async () => {
      const miner = client('--channels', 'extended', '--flags', REQUIRES_STANDARD_JOBS);
      expect(await miner.end()).toBe('no channel: extended-channels-not-supported-for-standard-jobs');
    });

    /**
     * Mines on ten channels until each has a share on a tip that somebody else's block brought. Gives the addressees of that tip and
     * of the jobs since.
     */
    async function overNewTip(
      miner: SriClient,
    ): Promise<{ readonly tips: readonly number[]; readonly jobs: readonly number[] }> {
      const ids = () => miner.of('open').flatMap(({ channel }) => channel ?? []);
      await miner.process.until(() => ids().length === 10 && ids().every((id) => miner.accepted(id) > 0));
      const before = miner.events.length;
      const accepted = new Map(ids().map((id) => [id, miner.accepted(id)]));
      const prevHash = Buffer.from(pool.chain.mineBlock()).toString('hex');
      const submittedSince = (channel: number) => {
        const tipAt = miner.events.findIndex((one, at) => at >= before && one.event === 'tip');
        const first = miner.events.find((one, at) => at > tipAt && one.event === 'submit' && one.channel === channel);
        const acknowledged = miner.of('accepted').findLast((one) => one.channel === channel)?.last ?? 0;
        return tipAt !== -1 && first?.sequence !== undefined && acknowledged >= first.sequence;
      };
      await miner.process.until(() => ids().every(submittedSince));
      // Without those that a channel is given again because its target was eased.
      const jobsSince = () =>
        miner.events.slice(before).filter(({ event, job }) => /job$/i.test(event) && job === baseJobId(job ?? 0));
      // The full job on the tip, and the one for the tip after it.
      await miner.process.until(() => new Set(jobsSince().map(({ job }) => job)).size >= 2);
      const tips = miner.events.slice(before).filter(({ event }) => event === 'tip');
      expect(new Set(tips.map((tip) => tip.prevHash))).toEqual(new Set([prevHash]));
      for (const { job, channel } of tips) {
        const held = miner.events.slice(0, before).filter((one) => one.job === job && one.future === true);
        expect(held.length, `job ${job} of channel ${channel} was held before the block`).toBeGreaterThan(0);
      }
      for (const id of ids()) expect(miner.accepted(id)).toBeGreaterThan(accepted.get(id) ?? 0);
      return {
        tips: tips.flatMap(({ channel }) => channel ?? []),
        jobs: jobsSince().flatMap(({ channel }) => channel ?? []),
      };
    }

    test.each([
      ['pool_group_extended_channels', 'extended'],
      ['pool_group_standard_channels', 'standard'],
    ])('%s: one job and one tip for the group', async (_name, kind) => {
      const miner = client('--channels', Array(10).fill(kind).join(), '--shares', ENDLESS);
      const { tips, jobs } = await overNewTip(miner);
      expect(tips).toEqual([1]);
      expect(jobs).toEqual([1, 1]);
      expect(new Set(miner.of('open').map(({ group }) => group))).toEqual(new Set([1]));
    });

    test('pool_require_standard_jobs_set_does_not_group_standard_channels', async () => {
      const channels = Array(10).fill('standard').join();
      const miner = client('--channels', channels, '--shares', ENDLESS, '--flags', REQUIRES_STANDARD_JOBS);
      const { tips } = await overNewTip(miner);
      const ids = tips.toSorted((a, b) => a - b);
      expect(ids).toEqual(miner.of('open').map(({ channel }) => channel));
      expect(miner.of('extendedJob')).toEqual([]);
    });

    test('a target that follows the miner: what it finds under each SetTarget is accepted', async () => {
      const miner = client('--channels', 'standard,extended', '--shares', ENDLESS, '--in-flight', '8');
      const channels = () => miner.of('open').flatMap(({ channel }) => channel ?? []);
      const acceptedSinceTarget = (channel: number) => {
        const at = miner.events.findLastIndex((one) => one.event === 'target' && one.channel === channel);
        return at !== -1 && miner.events.slice(at).some((one) => one.event === 'accepted' && one.channel === channel);
      };
      await miner.process.until(() => channels().length === 2 && channels().every(acceptedSinceTarget));
      // The client ends by itself on any refusal but stale-share.
      expect(miner.of('refused')).toEqual([]);
    });

    test('test_extension_negotiation_with_tlv_in_submit_shares: shares of one channel are credited to the workers they name', async () => {
      const worker = (name: string) =>
        client('--identity', 'farm.proxy', '--channels', 'extended', '--shares', '5', '--worker', name);
      const miners = [worker('rig-7'), worker('rig-8')];
      expect(await Promise.all(miners.map((miner) => miner.end()))).toEqual([undefined, undefined]);
      expect(miners.map((miner) => miner.of('extensions'))).toMatchObject([[{ supported: [2] }], [{ supported: [2] }]]);
      await credited('farm.rig-7', 5);
      await credited('farm.rig-8', 5);
      expect((await pool.credits()).has('farm.proxy')).toBe(false);
    });
  },
);

describe.skipIf(missingPeer !== undefined && !inCi)('SRI client finds blocks', () => {
  test.each(['standard', 'extended'])('on %s channels; the chain takes them', async (kind) => {
    const program = await buildSriPeer();
    const pool = await LocalPool.start({ nbits: EASY_NBITS });
    const height = pool.chain.height;
    const miner = new SriClient(program, pool, ['--channels', kind, '--shares', ENDLESS, '--identity', 'finder.rig']);
    try {
      await miner.process.until(() => pool.chain.height >= height + 5);
    } finally {
      await miner.process.stop();
      await pool.stop();
    }
  });
});

/** The device starts its job over with each SetTarget, and then sends again what it has found already. */
function foundShares(lines: readonly string[]): { readonly shares: number; readonly repeated: number } {
  const seen = new Set<string>();
  let job = '';
  let found = 0;
  for (const line of lines) {
    job = /(?:SetNewPrevHash.*job id: |with job id: )(\d+)(?: is future: false)?$/.exec(line)?.[1] ?? job;
    const nonce = /Found share with nonce: (\d+)/.exec(line)?.[1];
    if (nonce === undefined) continue;
    found += 1;
    seen.add(`${job} ${nonce}`);
  }
  return { shares: seen.size, repeated: found - seen.size };
}

describe.skipIf(missingDevice !== undefined && !inCi)(
  `SRI mining_device${missingDevice ? `: ${missingDevice}` : ''}`,
  () => {
    let program = '';
    let pool: LocalPool;
    let device: PeerProcess | undefined;

    beforeAll(async () => {
      program = await buildSriProgram('mining_device');
      pool = await LocalPool.start({ nbits: HARD_NBITS });
    }, MAX_BUILD_MS);
    afterEach(() => device?.stop());
    afterAll(() => pool.stop());

    function start(authorityKey: string, user: string): PeerProcess {
      // A share or more a second, of a device that leaves most of a core to others.
      const pace = ['--cores', '1', '--handicap', '1000', '--nonces-per-call', '1000'];
      const claim = ['--nominal-hashrate-multiplier', '0.02'];
      const who = ['--address-pool', pool.address, '--pubkey-pool', authorityKey, '--id-user', user];
      device = new PeerProcess(program, [...who, ...pace, ...claim]);
      return device;
    }

    test('sv2_mining_device_and_pool_success: over a new tip, with every share credited', async () => {
      const miner = start(pool.authorityKey, 'device.one');
      const count = (text: string) => miner.lines.filter((line) => line.includes(text)).length;
      const acknowledged = () => count('Received SubmitSharesSuccess');
      await miner.until(() => acknowledged() >= 3);
      const tips = count('Received SetNewPrevHash');
      pool.chain.mineBlock();
      await miner.until(() => count('Received SetNewPrevHash') === tips + 1);
      const named = /job id: (\d+)/.exec(miner.lines.findLast((line) => line.includes('SetNewPrevHash')) ?? '')?.[1];
      expect(count(`with job id: ${named} is future: true`)).toBe(1);
      const before = acknowledged();
      await miner.until(() => acknowledged() >= before + 3);
      await miner.stop();
      const { shares, repeated } = foundShares(miner.lines);
      expect(count('error code duplicate-share')).toBeLessThanOrEqual(repeated);
      // A share may be on its way when the tip comes.
      expect(count('error code')).toBe(count('error code duplicate-share') + count('error code stale-share'));
      await waitFor(async () => ((await pool.credits()).get('device.one')?.shares ?? 0) >= acknowledged());
      expect((await pool.credits()).get('device.one')?.shares).toBeLessThanOrEqual(shares);
    });

    test('it refuses a pool whose certificate another authority signed', async () => {
      const miner = start('9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72', 'device.two');
      expect(await miner.exit).not.toBe(0);
      expect(miner.lines.join('\n')).toMatch(/InvalidCertificate/);
    });
  },
);
