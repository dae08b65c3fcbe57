// Every service as a process of its own over a real nats-server, mining on a real bitcoind on regtest: a standard channel, an extended
// one, and two in a group. What is checked of a block is checked at bitcoind.
import { createHash } from 'node:crypto';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { subjectName } from '@sluice/bus/subjects';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { Bitcoind } from '../support/bitcoind.ts';
import { fillMempool, fundWallet, largeTransactions, sendPayments } from '../support/mempool.ts';
import { PoolProcesses } from '../support/pool-processes.ts';
import { readCredits, readShares, uncredited } from '../support/share-audit.ts';
import { type FoundShare, type Sv2Channel, shareStates } from '../support/sv2-channel.ts';
import { Sv2Client } from '../support/sv2-client.ts';
import { waitFor } from '../support/wait-for.ts';

const payouts = [
  { script: `0014${'11'.repeat(20)}`, weight: 3 },
  { script: `0014${'22'.repeat(20)}`, weight: 1 },
] as const;
const MEGABYTE = 1_000_000;
/** One hash for each share that is wanted: each block on regtest, which takes two, is a share too from the beginning. */
const HASH_RATE = 1;

interface Transaction {
  readonly hash: string;
  readonly hex: string;
  readonly vin: readonly { readonly txinwitness?: readonly string[] }[];
  readonly vout: readonly { readonly value: number; readonly scriptPubKey: { readonly hex: string } }[];
}

describe('five service processes, nats-server and bitcoind', () => {
  let bitcoind: Bitcoind;
  let pool: PoolProcesses;
  let clients: Sv2Client[];
  let standard: Sv2Channel;
  let extended: Sv2Channel;
  let grouped: readonly Sv2Channel[];
  let all: readonly Sv2Channel[];

  beforeAll(async () => {
    bitcoind = await Bitcoind.start({ extraArguments: largeTransactions });
    await fundWallet(bitcoind);
    pool = await PoolProcesses.start({
      chain: { bitcoinds: [bitcoind] },
      providers: 2,
      payouts: payouts.map(({ script, weight }) => `raw(${script})=${weight}`),
      sharesPerMinute: 60,
      easiestDifficulty: 1e-10,
    });
    const options = { port: pool.gatewayPort(), authorityKey: pool.authorityKey };
    const alone = await Sv2Client.connect({ ...options, standardJobsOnly: true });
    const folding = await Sv2Client.connect(options);
    const group = await Sv2Client.connect(options);
    clients = [alone, folding, group];
    standard = await alone.openStandard({ identity: 'alice.standard', hashRate: HASH_RATE });
    extended = await folding.openExtended({ identity: 'alice.extended', hashRate: HASH_RATE });
    grouped = [
      await group.openStandard({ identity: 'bob.one', hashRate: HASH_RATE }),
      await group.openStandard({ identity: 'bob.two', hashRate: HASH_RATE }),
    ];
    all = [standard, extended, ...grouped];
    await waitFor(() => all.every(({ job }) => job !== undefined));
  });

  afterAll(async () => {
    await Promise.all((clients ?? []).map((client) => client.close()));
    await pool?.stop();
    await bitcoind?.stop();
  });

  const clientOf = (channel: Sv2Channel) => clients.find(({ channels }) => channels.includes(channel)) as Sv2Client;
  const height = (): Promise<number> => bitcoind.rpc('getblockcount');
  const depth = () => extended.job?.depth ?? 0;

  /** Resolves when every channel works on one job on the node's tip that has, or has not, transactions. */
  async function sameJob(minDepth = 0): Promise<void> {
    const tip = Buffer.from(await bitcoind.rpc('getbestblockhash'), 'hex').reverse();
    await waitFor(
      () =>
        depth() >= minDepth &&
        all.every(
          ({ job, tip: at }) => job?.jobId === extended.job?.jobId && tip.equals(at?.prevHash ?? tip.subarray(1)),
        ),
      30_000,
    );
  }

  function submitBlock(channel: Sv2Channel, job = channel.job): FoundShare {
    const share = channel.find('block', 10_000, job);
    if (share === undefined) throw new Error('no block in 10,000 hashes, where every second is one');
    const sequence = clientOf(channel).submit(channel, share);
    onTestFailed(() => console.error(`share ${sequence}: state ${channel.stateOf(sequence)}\n${pool.logs()}`));
    return share;
  }

  /** The node's best block is this share: its coinbase pays as configured, its witness commitment is that of its transactions. */
  async function expectBlock({ hash }: FoundShare, before: number): Promise<readonly Transaction[]> {
    const name = Buffer.from(hash).reverse().toString('hex');
    await waitFor(async () => (await height()) > before, 30_000);
    expect(await bitcoind.rpc('getbestblockhash')).toBe(name);
    expect(await height()).toBe(before + 1);
    const { tx } = (await bitcoind.rpc('getblock', [name, 2])) as { readonly tx: readonly Transaction[] };
    const { subsidy, totalfee } = await bitcoind.rpc('getblockstats', [name, ['subsidy', 'totalfee']]);
    const outputs = (tx[0] as Transaction).vout.map(({ value, scriptPubKey }) => ({
      satoshis: Math.round(value * 1e8),
      script: scriptPubKey.hex,
    }));
    const last = Math.floor((subsidy + totalfee) / 4);
    expect(outputs.slice(0, 2)).toEqual([
      { satoshis: subsidy + totalfee - last, script: payouts[0].script },
      { satoshis: last, script: payouts[1].script },
    ]);
    expect(outputs[2]).toEqual({ satoshis: 0, script: `6a24aa21a9ed${witnessCommitment(tx)}` });
    expect(outputs).toHaveLength(3);
    return tx;
  }

  const kinds = [
    ['a standard channel', () => standard],
    ['an extended channel', () => extended],
    ['the first of a group', () => grouped[0] as Sv2Channel],
    ['the second of a group', () => grouped[1] as Sv2Channel],
  ] as const;

  it.each(kinds)('a block with transactions from %s is accepted', async (_kind, channelOf) => {
    await sendPayments(bitcoind, 3);
    await sameJob(2);
    const channel = channelOf();
    const before = await height();
    const share = submitBlock(channel);
    const transactions = await expectBlock(share, before);
    expect(transactions.length).toBeGreaterThan(3);
    expect(transactions.slice(1).some(({ vin }) => vin.some(({ txinwitness }) => txinwitness !== undefined))).toBe(
      true,
    );
    await waitFor(() => channel.record.unanswered === 0);
    expect(channel.record.refused.size).toBe(0);
  });

  it('a block by somebody else puts every miner on the new tip with a job it already held, and a block of that job is accepted', async () => {
    for (const channel of all) {
      await sendPayments(bitcoind, 2);
      await sameJob(2);
      const held = all.map(({ jobs }) => new Set([...jobs.values()].filter(({ wasFuture }) => wasFuture)));
      const tips = all.map((each) => each.tips);
      const sent = channel.record.sent;
      await bitcoind.generate(1, 3);
      await waitFor(() => all.every((each, index) => each.tips === (tips[index] as number) + 1));
      const onNewTip = all.map(({ jobs }) => [...jobs.values()].filter(({ wasFuture }) => wasFuture));
      for (const [index, jobs] of onNewTip.entries()) expect(jobs.some((job) => held[index]?.has(job))).toBe(true);
      const best = Buffer.from(await bitcoind.rpc('getbestblockhash'), 'hex').reverse();
      for (const { tip } of all) expect(Buffer.from(tip?.prevHash ?? []).equals(best)).toBe(true);

      const prepared = [...channel.jobs.values()].find((job) => held[all.indexOf(channel)]?.has(job));
      const before = await height();
      const transactions = await expectBlock(submitBlock(channel, prepared), before);
      expect(transactions).toHaveLength(1);
      await waitFor(() => channel.record.unanswered === 0);
      expect(channel.record.sent).toBe(sent + 1);
      expect(channel.record.refused.size).toBe(0);
    }
    expect(all.map(({ tipsWithoutJob }) => tipsWithoutJob)).toEqual([0, 0, 0, 0]);
  });

  it('after a reorganisation of two blocks no job is wrong', async () => {
    await sameJob();
    const old = await height();
    const fork = await bitcoind.rpc('getblockhash', [old - 1]);
    await bitcoind.rpc('invalidateblock', [fork]);
    const branch = await bitcoind.generate(3, 4);
    expect(await height()).toBe(old + 1);
    await sendPayments(bitcoind, 2);
    await sameJob(1);
    for (const channel of all) {
      expect(
        Buffer.from(channel.tip?.prevHash ?? [])
          .reverse()
          .toString('hex'),
      ).toBe(await bitcoind.rpc('getbestblockhash'));
    }
    expect(await bitcoind.rpc('getbestblockhash')).toBe(branch.at(-1));
    for (const channel of all) {
      await sameJob();
      const before = await height();
      await expectBlock(submitBlock(channel), before);
    }
    expect(all.map(({ tipsWithoutJob }) => tipsWithoutJob)).toEqual([0, 0, 0, 0]);
  });

  describe('a template of more than 1 MB', () => {
    /** Fills the mempool and waits until all work on it; returns the process that made the job's template. */
    async function largeJob(): Promise<string> {
      await fillMempool(bitcoind, 1.3 * MEGABYTE);
      await sameJob(4);
      const bus = await pool.bus();
      const { lastSequence } = await bus.state('JOBS');
      const records = await bus.read('JOBS', Math.max(1, lastSequence - 200), 300);
      await bus.close();
      const jobs = records
        .filter(({ subject }) => subject === subjectName('jobs'))
        .map(({ payload }) => JobRecord.decode(payload))
        .filter((record) => record.kind === 'newJob');
      const job = jobs.find(({ jobId }) => jobId === extended.job?.jobId);
      if (job === undefined) throw new Error('the job is not in the feed');
      return `template-${job.provider}`;
    }

    async function expectLarge(share: FoundShare, before: number): Promise<void> {
      const transactions = await expectBlock(share, before);
      const bytes = transactions.reduce((sum, { hex }) => sum + hex.length / 2, 0);
      expect(bytes).toBeGreaterThan(MEGABYTE);
    }

    it('whose provider is killed between job and solution: the other one has it', async () => {
      const provider = await largeJob();
      const before = await height();
      await pool.service(provider).kill();
      const share = submitBlock(extended);
      await expectLarge(share, before);
      pool.service(provider).launch();
      await pool.service(provider).ready();
    });

    it('when both are killed and one comes back after the solution', async () => {
      const provider = await largeJob();
      const before = await height();
      const providers = [pool.service('template-provider-0'), pool.service('template-provider-1')];
      await Promise.all(providers.map((each) => each.kill()));
      const share = submitBlock(standard);
      await waitFor(() => standard.stateOf(standard.record.sent) === shareStates.accepted);
      expect(await height()).toBe(before);
      pool.service(provider).launch();
      await expectLarge(share, before);
      for (const each of providers) if (!each.running) each.launch();
      await Promise.all(providers.map((each) => each.ready()));
    });
  });

  it('every share is in the stream and credited once', async () => {
    const accepted = all.reduce((sum, { record }) => sum + record.accepted, 0);
    expect(all.flatMap(({ record }) => [...record.faults, ...record.refused.keys()])).toEqual([]);
    const bus = await pool.bus();
    await waitFor(async () => uncredited(await readShares(bus), await readCredits(bus)).length === 0, 30_000);
    const stored = await readShares(bus);
    const credits = await readCredits(bus);
    await bus.close();
    expect(stored.total.shares).toBe(accepted);
    expect(credits.total).toEqual(stored.total);
    expect(credits.findings).toEqual([]);
  });

  it('every process knows that what it keeps is synced', async () => {
    for (const service of pool.services) expect(await service.metric('sluice_bus_durable'), service.name).toBe(1);
  });

  it('every process ends on SIGTERM by itself', async () => {
    const codes = await Promise.all(
      pool.services.map(async (service) => [service.name, await service.kill('SIGTERM')]),
    );
    expect(codes).toEqual(pool.services.map(({ name }) => [name, 0]));
  });
});

/** As BIP141 says, from the transactions of a block: a second opinion to that of the pool. */
function witnessCommitment([, ...transactions]: readonly Transaction[]): string {
  const sha256d = (...parts: readonly Buffer[]) =>
    createHash('sha256')
      .update(createHash('sha256').update(Buffer.concat(parts)).digest())
      .digest();
  let level = [Buffer.alloc(32), ...transactions.map(({ hash }) => Buffer.from(hash, 'hex').reverse())];
  while (level.length > 1)
    level = level.flatMap((left, index) => (index % 2 === 0 ? [sha256d(left, level[index + 1] ?? left)] : []));
  return sha256d(level[0] as Buffer, Buffer.alloc(32)).toString('hex');
}
