// Payout by user_identity on the whole pool: the scenarios of the reference implementation's suite by their names, with the outputs of
// every job that a miner is sent, the credit of its shares, and blocks that the chain takes.
import { decodeBlock } from '@sluice/bitcoin/block';
import { scriptFor } from '@sluice/bitcoin/script';
import { decodeTransaction, type TransactionOutput } from '@sluice/bitcoin/transaction';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LocalPool } from '../support/local-pool.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import { SriTranslator } from '../support/sri-translator.ts';
import { Sv1Miner } from '../support/sv1-miner.ts';
import type { ChannelJob, Sv2Channel } from '../support/sv2-channel.ts';
import { Sv2Client, type Sv2ClientOptions } from '../support/sv2-client.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** Every second hash is a block. */
const EASY_NBITS = 0x207f_ffff;
/** A share takes 40,000 hashes at first: some tens of milliseconds. */
const HASHRATE = 20_000;
const MINER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const LEGACY = 'mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r';
/** What the pool of the tests pays to. */
const POOL = '51';
const OP_RETURN = 0x6a;
/** 9 minutes of CPU time, on a machine that does other things as well. */
const MAX_BUILD_MS = 3_600_000;

const missing = whyNoSriProgram('translator_sv2');
const inCi = process.env.CI !== undefined;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const scriptOf = (address: string) => hex(scriptFor(address, 'regtest'));

const clients: Sv2Client[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

async function connect(pool: LocalPool, options: Partial<Sv2ClientOptions> = {}): Promise<Sv2Client> {
  const port = Number(pool.address.split(':')[1]);
  const client = await Sv2Client.connect({ port, authorityKey: pool.authorityKey, ...options });
  clients.push(client);
  return client;
}

/** Those that can be spent. */
function payments(outputs: readonly TransactionOutput[]): [string, bigint][] {
  return outputs
    .filter(({ script }) => script[0] !== OP_RETURN)
    .map(({ script, value }): [string, bigint] => [hex(script), value]);
}

function paymentsOf(job: ChannelJob | undefined): [string, bigint][] {
  const coinbase = job?.coinbase && decodeTransaction(job.coinbase);
  if (coinbase === undefined) throw new Error('no job with a coinbase');
  expect(coinbase.outputs.filter(({ script }) => script[0] === OP_RETURN)).toHaveLength(1);
  return payments(coinbase.outputs);
}

/** The job of the coinbase alone that a channel holds for the next tip; the first of its jobs is that of its tip. */
function heldJob({ jobs }: Sv2Channel): ChannelJob | undefined {
  return [...jobs.values()].slice(1).find(({ wasFuture, depth }) => wasFuture && depth === 0);
}

/** What a coinbase of this value pays, by the percentage that stays with the pool. */
function split(value: bigint, address: string, poolPercent: number): [string, bigint][] {
  const kept = (value * BigInt(poolPercent)) / 100n;
  const pools: [string, bigint][] = poolPercent === 0 ? [] : [[POOL, kept]];
  return poolPercent === 100 ? pools : [...pools, [scriptOf(address), value - kept]];
}

/** Shares by list, account and worker; fails on any finding. */
async function credited(pool: LocalPool): Promise<ReadonlyMap<string, number>> {
  const { firstSequence, lastSequence } = await pool.bus.state('CREDITS');
  const shares = new Map<string, number>();
  const add = (name: string, count: number) => shares.set(name, (shares.get(name) ?? 0) + count);
  for (const { subject, payload } of await pool.bus.read('CREDITS', firstSequence, lastSequence)) {
    if (!subject.startsWith('credit.')) throw new Error(`the share-validator reports: ${subject}`);
    const { credits, minerPaid } = CreditBatch.decode(payload);
    for (const credit of credits) add(`pool ${credit.identity} ${credit.worker}`, credit.shares);
    for (const paid of minerPaid) add(`${paid.poolPercent} ${paid.identity} ${paid.worker}`, paid.shares);
  }
  return shares;
}

describe('payout by identity', () => {
  let pool: LocalPool;
  beforeAll(async () => {
    pool = await LocalPool.start({ nbits: HARD_NBITS, payoutByIdentity: true });
  });
  afterAll(() => pool.stop());

  /** Finds a share on the channel's job; resolves when it is acknowledged. */
  async function mine(client: Sv2Client, channel: Sv2Channel): Promise<void> {
    const before = channel.record.accepted;
    const share = channel.find();
    if (share === undefined) throw new Error('no share found');
    client.submit(channel, share);
    await waitFor(() => channel.record.accepted > before);
    expect([[...channel.record.refused], channel.record.faults]).toEqual([[], []]);
  }

  async function refused(identity: string): Promise<void> {
    const client = await connect(pool);
    const open = { identity, hashRate: HASHRATE };
    await expect(client.openExtended(open)).rejects.toThrow('not opened: invalid-user-identity');
    await expect(client.openStandard(open)).rejects.toThrow('not opened: invalid-user-identity');
  }

  test('pool_solo_mining_invalid_payout_address', () => refused('sri/solo/tb1qbalieiro/worker.1'));

  test('pool_solo_mining_wrong_user_identity', () => refused('sri/worker.1'));

  test('an address of another network, and a percentage that is none, are refused', async () => {
    await refused('sri/solo/tb1qpusf5256yxv50qt0pm0tue8k952fsu5lzsphft/worker.1');
    await refused(`sri/donate/100/${MINER}/worker.1`);
  });

  /** Name, identity, whom blocks pay and the pool's part of them, and whom the credit names. */
  const scenarios: readonly [string, string, string, number, string][] = [
    ['pool_solo_mining_random_user_identity', 'cool_miner/worker.1', '', 100, 'pool cool_miner/worker 1'],
    ['pool_solo_mining_legacy_pattern', MINER, MINER, 0, `0 ${MINER} `],
    ['pool_solo_mining_legacy_pattern, with a worker', `${LEGACY}.rig`, LEGACY, 0, `0 ${LEGACY} rig`],
    ['pool_solo_mining_solo_pattern', `sri/solo/${MINER}/worker.1`, MINER, 0, `0 ${MINER} worker.1`],
    ['pool_solo_mining_full_donate', 'sri/donate/worker.1', '', 100, 'pool sri/donate worker.1'],
    ['pool_solo_mining_full_donate_no_worker_name', 'sri/donate', '', 100, 'pool sri/donate '],
    ['pool_solo_mining_partial_donation', `sri/donate/5/${MINER}/worker.1`, MINER, 5, `5 ${MINER} worker.1`],
  ];

  test.each(scenarios)('%s', async (_, identity, address, poolPercent, credit) => {
    const client = await connect(pool);
    const open = { hashRate: HASHRATE, identity };
    const control = await client.openExtended({ ...open, identity: 'control.rig' });
    const extended = await client.openExtended(open);
    const standard = await client.openStandard(open);
    expect([control.groupId, standard.groupId]).toEqual([1, extended.groupId]);
    expect(extended.groupId === 1).toBe(poolPercent === 100);
    await waitFor(() => [control, extended, standard].every(({ job }) => job !== undefined));
    const before = (await credited(pool)).get(credit) ?? 0;

    const all = [control, extended, standard];
    const check = (jobOf: (channel: Sv2Channel) => ChannelJob | undefined, channels: readonly Sv2Channel[]) => {
      const [[script, value] = ['', 0n]] = paymentsOf(jobOf(control));
      expect([script, value > 0n]).toEqual([POOL, true]);
      for (const channel of channels) {
        expect(jobOf(channel)?.jobId).toBe(jobOf(control)?.jobId);
        expect(paymentsOf(jobOf(channel))).toEqual(split(value, address, poolPercent));
      }
    };
    // The job that a channel opens with; of a standard one it is the merkle root alone.
    check(({ job }) => job, [extended]);
    for (const channel of all) await mine(client, channel);

    // A block of somebody else: then the job with transactions, and the one for the next height, are both for the group.
    const tips = control.tips;
    pool.chain.mineBlock();
    await waitFor(() => all.every(({ tips: now, job }) => now > tips && job?.depth !== undefined && job.depth > 0));
    check(({ job }) => job, [extended, standard]);
    await waitFor(() => all.every((channel) => heldJob(channel) !== undefined));
    check(heldJob, [extended, standard]);
    for (const channel of all) await mine(client, channel);
    pool.chain.mineBlock();
    await waitFor(() => all.every((channel) => channel.tips > tips + 1));
    // Both blocks found them with a job for it; by the second another one may have taken the place of the one above.
    expect(all.map(({ tipsWithoutJob }) => tipsWithoutJob)).toEqual([0, 0, 0]);
    for (const channel of all) await mine(client, channel);

    await waitFor(async () => (await credited(pool)).get(credit) === before + 6);
    for (const name of (await credited(pool)).keys()) {
      const isMiners = name.includes(MINER) || name.includes(LEGACY);
      expect(isMiners && name.startsWith('pool ')).toBe(false);
    }
  });

  test('a device for standard jobs only mines on the coinbase of its payout', async () => {
    const client = await connect(pool, { standardJobsOnly: true });
    const own = await client.openStandard({ hashRate: HASHRATE, identity: `${MINER}.own` });
    await waitFor(() => own.job !== undefined);
    await mine(client, own);
    const tips = own.tips;
    pool.chain.mineBlock();
    await waitFor(() => own.tips > tips);
    await mine(client, own);
    await waitFor(async () => (await credited(pool)).get(`0 ${MINER} own`) === 2);
  });

  test('shares that a proxy sends for several payouts on one connection are credited each to its own', async () => {
    const client = await connect(pool);
    const identities = ['proxy.a', `${MINER}.proxy`, `sri/donate/50/${LEGACY}/proxy`, `${LEGACY}.proxy`];
    const channels: Sv2Channel[] = [];
    for (const identity of identities) channels.push(await client.openExtended({ hashRate: HASHRATE, identity }));
    expect(new Set(channels.map(({ groupId }) => groupId)).size).toBe(4);
    await waitFor(() => channels.every(({ job }) => job !== undefined));
    for (const channel of channels) await mine(client, channel);
    const names = ['pool proxy a', `0 ${MINER} proxy`, `50 ${LEGACY} proxy`, `0 ${LEGACY} proxy`];
    await waitFor(async () => {
      const all = await credited(pool);
      return names.every((name) => all.get(name) === 1);
    });
  });
});

describe('a block', () => {
  test.each([
    ['extended', `sri/solo/${MINER}/worker.1`, MINER, 0],
    ['standard', `${LEGACY}.rig`, LEGACY, 0],
    ['extended', `sri/donate/5/${MINER}/worker.1`, MINER, 5],
    ['standard', 'sri/donate', '', 100],
  ] as const)(
    'of the %s channel of %s is taken by the chain and pays so',
    async (kind, identity, address, poolPercent) => {
      const pool = await LocalPool.start({ nbits: EASY_NBITS, payoutByIdentity: true });
      try {
        const client = await connect(pool);
        const open = { identity, hashRate: HASHRATE };
        const channel = await (kind === 'standard' ? client.openStandard(open) : client.openExtended(open));
        await waitFor(() => channel.job !== undefined);
        const block = channel.find('block');
        if (block === undefined) throw new Error('no block found');
        client.submit(channel, block);
        await waitFor(() => pool.chain.isInChain(block.hash));
        const bytes = await pool.chain.block(block.hash);
        const coinbase = bytes && decodeBlock(bytes)?.transactions[0];
        if (coinbase === undefined) throw new Error('no block of the chain');
        const value = coinbase.outputs.reduce((sum, output) => sum + output.value, 0n);
        expect(payments(coinbase.outputs)).toEqual(split(value, address, poolPercent));
      } finally {
        await pool.stop();
      }
    },
  );

  test('pays the pool, whatever its finder is named, where payout by identity is off', async () => {
    const pool = await LocalPool.start({ nbits: HARD_NBITS });
    try {
      const client = await connect(pool);
      for (const identity of [`sri/solo/${MINER}/worker.1`, `${MINER}.rig`, 'sri/worker.1']) {
        const channel = await client.openExtended({ identity, hashRate: HASHRATE });
        await waitFor(() => channel.job !== undefined);
        expect(channel.groupId).toBe(1);
        expect(paymentsOf(channel.job).map(([script]) => script)).toEqual([POOL]);
      }
    } finally {
      await pool.stop();
    }
  });
});

describe.skipIf(missing !== undefined && !inCi)(
  `SRI's translator, which checks whom jobs pay${missing ? `: ${missing}` : ''}`,
  () => {
    let program = '';
    let paying: LocalPool;
    beforeAll(async () => {
      program = await buildSriProgram('translator_sv2');
      paying = await LocalPool.start({ nbits: HARD_NBITS, payoutByIdentity: true });
    }, MAX_BUILD_MS);
    afterAll(() => paying.stop());

    /** A translator that goes through these pools until one pays the address of its identity. */
    async function start(identity: string, pools: readonly LocalPool[]): Promise<SriTranslator> {
      const upstreams = pools.map(({ address, authorityKey }) => ({ address, authorityKey, identity }));
      // A share takes 400 hashes.
      const pace = { minerHashrate: 40, sharesPerMinute: 6 };
      return await SriTranslator.start({ program, upstreams, aggregate: false, verifyPayout: true, ...pace });
    }

    const connectMiner = ({ port }: SriTranslator) => new Sv1Miner({ port, user: 'any', hashrate: 100_000 });

    test.each([
      [MINER, `0 ${MINER} miner1`],
      [`sri/solo/${MINER}/translator`, `0 ${MINER} translator`],
      [`sri/donate/10/${MINER}/translator`, `10 ${MINER} translator`],
    ])('translator_mines_when_payout_matches_address_or_donation_identity: %s', async (identity, credit) => {
      const translator = await start(identity, [paying]);
      let miner: Sv1Miner | undefined;
      try {
        await translator.ready();
        miner = connectMiner(translator);
        const tip = Uint8Array.from(paying.chain.mineBlock());
        await waitFor(() => miner?.hasTip(tip) === true);
        await waitFor(async () => ((await credited(paying)).get(credit) ?? 0) > 0);
        expect(translator.count('listening on')).toBe(1);
      } finally {
        miner?.stop();
        await translator.stop();
      }
    });

    test('translator_falls_back_when_payout_does_not_match_user_identity: from a pool without the policy to one with it', async () => {
      const keeping = await LocalPool.start({ nbits: HARD_NBITS });
      const translator = await start(MINER, [keeping, paying]);
      const miners: Sv1Miner[] = [];
      try {
        await translator.ready();
        const before = (await credited(paying)).get(`0 ${MINER} miner1`) ?? 0;
        miners.push(connectMiner(translator));
        await translator.ready(2);
        miners.push(connectMiner(translator));
        await waitFor(async () => ((await credited(paying)).get(`0 ${MINER} miner1`) ?? 0) > before);
        expect(miners[0]?.accepted).toBe(0);
        expect(await keeping.bus.state('SHARES')).toMatchObject({ lastSequence: 0 });
      } finally {
        for (const miner of miners) miner.stop();
        await translator.stop();
        await keeping.stop();
      }
    });
  },
);
