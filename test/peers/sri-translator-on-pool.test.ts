// SRI's translator, unchanged, between miners of Stratum V1 and the whole pool. Tests that repeat a scenario of its integration suite
// carry that scenario's name. A relay keeps what translator and pool say to each other.
import { connect, type Socket } from 'node:net';
import { baseJobId } from '@sluice/mining/job-id';
import type { Message } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LocalPool } from '../support/local-pool.ts';
import { type LedgerShare, readLedger } from '../support/share-ledger.ts';
import { buildSriProgram, whyNoSriProgram } from '../support/sri-programs.ts';
import { SriTranslator, type SriTranslatorOptions } from '../support/sri-translator.ts';
import { Sv1Miner } from '../support/sv1-miner.ts';
import { type Interceptor, Sv2Relay } from '../support/sv2-relay.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
/** A block takes 4,096 hashes, ten times a share. */
const EASY_NBITS = 0x1f0f_ffff;
const WORKER_HASHRATE_TRACKING = 2;
const TIP_TO_SV1_MS = 1_000;
const GROUP = 1;
const SILENCE_MS = 300;
/** Hashes a second of all miners of a test together. */
const TOGETHER = 100_000;

/** 9 minutes of CPU time, on a machine that does other things as well. */
const MAX_BUILD_MS = 3_600_000;

const missing = whyNoSriProgram('translator_sv2');
const inCi = process.env.CI !== undefined;

/** A translator on a pool, with the relay between them and the miners behind it. */
class Site {
  readonly pool: LocalPool;
  readonly relay: Sv2Relay;
  readonly translator: SriTranslator;
  readonly #account: string;
  #miners: Sv1Miner[] = [];

  private constructor(pool: LocalPool, relay: Sv2Relay, translator: SriTranslator, account: string) {
    this.pool = pool;
    this.relay = relay;
    this.translator = translator;
    this.#account = account;
  }

  static async start(
    pool: LocalPool,
    account: string,
    options: Omit<SriTranslatorOptions, 'program' | 'upstreams'> & { readonly intercept?: Interceptor },
  ): Promise<Site> {
    const program = await buildSriProgram('translator_sv2');
    const relay = await Sv2Relay.start(account, pool, options.intercept);
    const upstreams = [{ address: relay.address, authorityKey: relay.authorityKey, identity: account }];
    // Of a miner alone, a share takes 400 hashes.
    const pace = { minerHashrate: 40, sharesPerMinute: 6 };
    const translator = await SriTranslator.start({ program, upstreams, ...pace, ...options });
    await translator.ready();
    return new Site(pool, relay, translator, account);
  }

  /** As many miners as a test has, named from `rig-0` on. */
  connect(count: number, rollsVersion = true): Sv1Miner[] {
    const { port } = this.translator;
    const hashrate = TOGETHER / count;
    const more = Array.from(
      { length: count },
      (_, index) => new Sv1Miner({ port, user: `${this.#account}.rig-${index}`, hashrate, rollsVersion }),
    );
    this.#miners.push(...more);
    return more;
  }

  /** Shares that the pool has acknowledged so far. */
  get accepted(): readonly LedgerShare[] {
    return readLedger(this.relay.log).accepted;
  }

  /**
   * Lets the miners pause and holds both sides against each other: every share of the translator's life was answered, none refused
   * but for a new tip on its way, and the pool has credited each acknowledged one exactly once, to whom it names.
   */
  async settle(): Promise<void> {
    for (const miner of this.#miners) miner.hashrate = 0;
    const answered = (miner: Sv1Miner) => miner.accepted + miner.rejections.length === miner.submitted;
    await waitFor(() => this.#miners.every((miner) => !miner.isOpen || answered(miner)));
    await waitFor(async () => readLedger(this.relay.log).unanswered === 0 && equal(await this.#credits(), this.#due()))
      // What differs is told by the assertion.
      .catch(() => undefined);
    expect(await this.#credits()).toEqual(this.#due());
    const { accepted, refused, unanswered, faults } = readLedger(this.relay.log);
    expect({ refused, unanswered, faults }).toEqual({ refused: [], unanswered: 0, faults: [] });
    expect(accepted.length).toBeGreaterThan(0);
  }

  /** Acknowledged shares by worker, in order of the names. */
  #due(): readonly (readonly [string, number])[] {
    const due = new Map<string, number>();
    for (const { name } of this.accepted) due.set(name, (due.get(name) ?? 0) + 1);
    return [...due].sort(byName);
  }

  async #credits(): Promise<readonly (readonly [string, number])[]> {
    const ours = [...(await this.pool.credits())].filter(([name]) => name.startsWith(`${this.#account}.`));
    return ours.map(([name, { shares }]) => [name, shares] as const).sort(byName);
  }

  /** Ends the miners' connections, not the translator. */
  disconnectMiners(): void {
    for (const miner of this.#miners.splice(0)) miner.stop();
  }

  async stop(): Promise<void> {
    this.disconnectMiners();
    await this.translator.stop();
    await this.relay.stop();
  }
}

const byName = ([a]: readonly [string, number], [b]: readonly [string, number]) => (a < b ? -1 : 1);
const equal = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Somebody else finds a block: each miner has one notify for it within a second. Gives its hash, hex. */
async function foreignBlock(pool: LocalPool, miners: readonly Sv1Miner[]): Promise<string> {
  const from = performance.now();
  const hash = Uint8Array.from(pool.chain.mineBlock());
  await waitFor(() => miners.every((miner) => miner.hasTip(hash)));
  for (const miner of miners) {
    const onTip = miner.jobs.filter(({ prevHash }) => Buffer.compare(prevHash, hash) === 0);
    expect((onTip[0]?.atMs ?? Infinity) - from).toBeLessThan(TIP_TO_SV1_MS);
    expect(onTip.map(({ clean }) => clean)).toEqual([true, ...Array(onTip.length - 1).fill(false)]);
  }
  return Buffer.from(hash).toString('hex');
}

describe.skipIf(missing !== undefined && !inCi)(`SRI's translator on the pool${missing ? `: ${missing}` : ''}`, () => {
  let pool: LocalPool;
  let silent: Socket;
  let apart: Site;
  let together: Site;
  let fifty: Site;

  beforeAll(async () => {
    await buildSriProgram('translator_sv2');
    pool = await LocalPool.start({ nbits: HARD_NBITS });
    const [host, port] = pool.address.split(':');
    silent = connect(Number(port), host);
    const requiredExtensions = [WORKER_HASHRATE_TRACKING];
    [apart, together, fifty] = await Promise.all([
      Site.start(pool, 'apart', { aggregate: false, requiredExtensions, keepaliveSeconds: 1 }),
      Site.start(pool, 'together', { aggregate: true, requiredExtensions }),
      Site.start(pool, 'fifty', { aggregate: true, requiredExtensions }),
    ]);
  }, MAX_BUILD_MS);
  afterEach(() => {
    apart.disconnectMiners();
    together.disconnectMiners();
    fifty.disconnectMiners();
  });
  afterAll(async () => {
    silent.destroy();
    await Promise.all([apart.stop(), together.stop(), fifty.stop()]);
    await pool.stop();
  });

  test('multiple_tproxy_sessions: two translators mine on one pool, each for itself', async () => {
    for (const site of [apart, together]) {
      expect(site.relay.log.messages.slice(0, 2).map(({ declared }) => declared)).toEqual([
        SetupConnection,
        SetupConnectionSuccess,
      ]);
      site.connect(1);
    }
    await waitFor(() => apart.accepted.length > 0 && together.accepted.length > 0);
    await Promise.all([apart.settle(), together.settle()]);
  });

  test('test_basic_sv1, translate_sv1_to_sv2_successfully: a miner that rolls no version bits', async () => {
    const since = apart.relay.log.messages.length;
    const before = apart.accepted.length;
    const [miner] = apart.connect(1, false);
    await miner?.ready;
    await waitFor(() => apart.accepted.length > before);
    expect(miner?.difficulties).toHaveLength(1);
    expect(miner?.jobs[0]).toMatchObject({ clean: true });
    expect(miner?.accepted).toBeGreaterThan(0);
    const order = apart.relay.log.messages.slice(since).map(({ declared }) => declared);
    const wanted: Message[] = [
      ...[OpenExtendedMiningChannel, OpenExtendedMiningChannelSuccess, NewExtendedMiningJob, SetNewPrevHash],
      ...[SubmitSharesExtended, SubmitSharesSuccess],
    ];
    expect(order.filter((declared, at) => wanted.includes(declared) && order.indexOf(declared) === at)).toEqual(wanted);
    const versions = apart.relay.log.of(SubmitSharesExtended, since).map(({ version }) => version);
    expect(new Set(versions)).toEqual(new Set([miner?.jobs[0]?.version]));
    await apart.settle();
  });

  test('pool_and_tproxy_monitoring_with_sv1_miner: the metrics have what the wire had', async () => {
    const metric = async (name: string) => {
      const series = await pool.metrics.series(name);
      return series.reduce((total, { value }) => total + value, 0);
    };
    apart.connect(1);
    const before = apart.accepted.length;
    await waitFor(() => apart.accepted.length > before);
    expect(await metric('sluice_gateway_channels')).toBe(2);
    // That of the fifty and, until the pool has closed it, the silent one of below as well.
    await waitFor(async () => (await metric('sluice_gateway_connections')) === (silent.closed ? 3 : 4));
    await Promise.all([apart.settle(), together.settle()]);
    const shares = apart.accepted.length + together.accepted.length;
    expect(await metric('sluice_gateway_shares_accepted_total')).toBe(shares);
    expect(await metric('sluice_share_validator_shares_total')).toBe(shares);
    expect(await metric('sluice_gateway_tips_without_job_total')).toBe(0);
  });

  /** A new tip and the full job on it, both for the group: shares come on each channel, and no channel or miner is lost. */
  async function overNewTip(site: Site, miners: readonly Sv1Miner[], channels: readonly number[]): Promise<void> {
    const { log } = site.relay;
    const allMineOn = async (wanted: (share: LedgerShare) => boolean) =>
      await waitFor(() => {
        const found = site.accepted.filter(wanted);
        return channels.every((id) => found.some(({ channelId }) => channelId === id));
      });
    await allMineOn(() => true);
    const since = log.messages.length;
    const tip = await foreignBlock(pool, miners);
    const isOnTip = ({ minNtime, channelId }: NewExtendedMiningJob) => minNtime !== undefined && channelId === GROUP;
    const job = await log.first(NewExtendedMiningJob, isOnTip, since);
    await allMineOn((share) => share.tip === tip && baseJobId(share.jobId) === job.jobId);
    expect(log.of(SetNewPrevHash, since).map(({ channelId }) => channelId)).toEqual([GROUP]);
    expect(log.of(CloseChannel, since)).toEqual([]);
    expect(miners.every(({ isOpen }) => isOpen)).toBe(true);
    expect(miners.flatMap(({ faults }) => faults)).toEqual([]);
    expect(log.of(SubmitSharesExtended).some(({ channelId }) => channelId === GROUP)).toBe(false);
    await site.settle();
  }

  test('non_aggregated_translator_correctly_deals_with_group_channels', async () => {
    const { log } = apart.relay;
    const since = log.messages.length;
    const miners = apart.connect(5);
    await Promise.all(miners.map(({ ready }) => ready));
    const opened = log.of(OpenExtendedMiningChannelSuccess, since);
    expect(opened.map(({ groupChannelId }) => groupChannelId)).toEqual(Array(5).fill(GROUP));
    const ids = opened.map(({ channelId }) => channelId);
    for (const id of ids) {
      const job = await log.first(NewExtendedMiningJob, ({ channelId }) => channelId === id, since);
      const tip = await log.first(SetNewPrevHash, ({ channelId }) => channelId === id, since);
      expect(tip.jobId).toBe(job.jobId);
    }
    await overNewTip(apart, miners, ids);
  });

  test('tproxy_sends_single_open_extended_mining_channel_in_aggregated_mode, aggregated_translator_correctly_deals_with_group_channels', async () => {
    const { log } = together.relay;
    const miners = together.connect(10);
    await Promise.all(miners.map(({ ready }) => ready));
    await waitFor(() => miners.every(({ accepted }) => accepted > 0));
    expect(new Set(miners.map(({ extranonce1 }) => extranonce1.toString('hex'))).size).toBe(10);
    const opened = log.of(OpenExtendedMiningChannelSuccess);
    expect(opened).toHaveLength(1);
    await overNewTip(
      together,
      miners,
      opened.map(({ channelId }) => channelId),
    );
    expect(log.of(OpenExtendedMiningChannel)).toHaveLength(1);
  });

  test('fifty miners on one channel: each is credited by its name, and gets a new tip as one job', async () => {
    const miners = fifty.connect(50);
    await Promise.all(miners.map(({ ready }) => ready));
    // Before the pool asks for less shares from the next job on.
    await waitFor(() => new Set(fifty.accepted.map(({ name }) => name)).size === 50);
    const tip = await foreignBlock(pool, miners);
    const onTip = (miner: Sv1Miner) =>
      miner.jobs.some(({ id, prevHash }) => prevHash === miner.jobs.at(-1)?.prevHash && miner.acceptedOf.has(id));
    await waitFor(() => miners.every(onTip) && fifty.accepted.some((share) => share.tip === tip));
    expect(miners.every(({ isOpen }) => isOpen)).toBe(true);
    expect(miners.flatMap(({ faults }) => faults)).toEqual([]);
    expect(fifty.relay.log.of(OpenExtendedMiningChannel)).toHaveLength(1);
    await fifty.settle();
  });

  test('aggregated_translator_does_not_send_update_channel_before_channel_opens', async () => {
    const site = await Site.start(pool, 'unopened', {
      aggregate: true,
      intercept: ({ declared }) => (declared === OpenExtendedMiningChannel ? 'drop' : undefined),
    });
    try {
      const [miner] = site.connect(1);
      await site.relay.log.first(OpenExtendedMiningChannel);
      miner?.stop();
      await site.translator.process.until(() => site.translator.count('disconnected and removed') === 1);
      await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
      expect(site.relay.log.of(UpdateChannel)).toEqual([]);
    } finally {
      await site.stop();
    }
  });

  test('test_translator_keepalive_job_sent_and_share_received_by_pool', async () => {
    const [miner] = apart.connect(1);
    await miner?.ready;
    const isKeepalive = (id: string) => id.includes('#');
    await waitFor(() => [...(miner?.acceptedOf.keys() ?? [])].some(isKeepalive));
    const kept = miner?.jobs.find(({ id }) => isKeepalive(id));
    const [jobId] = kept?.id.split('#') ?? [];
    const original = miner?.jobs.find(({ id }) => id === jobId);
    expect(kept?.ntime).toBeGreaterThan(original?.ntime ?? Infinity);
    await waitFor(() => apart.accepted.some((share) => share.jobId === Number(jobId) && share.ntime === kept?.ntime));
    await apart.settle();
  });

  test('pool_does_not_hang_on_no_handshake: translators mine while a client says nothing, until it is closed', async () => {
    // It connected before them all.
    if (!silent.closed) await new Promise((resolve) => silent.once('close', resolve));
    expect(silent.bytesRead).toBe(0);
    expect(apart.accepted.length + together.accepted.length).toBeGreaterThan(0);
  });
});

describe
  .skipIf(missing !== undefined && !inCi)
  .concurrent("an SV1 miner behind SRI's translator, on a pool alone", () => {
    test.each([
      ['a channel of its own', false, 'finder.miner1'],
      ['the channel of all', true, 'finder.translator-proxy'],
    ])(
      'finds a block on %s; the chain takes it, and without extension 0x0002 the channel is credited',
      async (_, aggregate, name) => {
        const pool = await LocalPool.start({ nbits: EASY_NBITS });
        // After that block shares are easier than blocks again.
        pool.chain.setNbits(HARD_NBITS);
        let site: Site | undefined;
        try {
          site = await Site.start(pool, 'finder', { aggregate });
          const height = pool.chain.height;
          const [miner] = site.connect(1) as [Sv1Miner];
          // It may find several on one tip; the chain has one of them.
          await waitFor(async () => {
            const taken = await Promise.all(miner.blocks.map((block) => pool.chain.isInChain(block)));
            return taken.includes(true);
          });
          expect(pool.chain.height).toBe(height + 1);
          await site.settle();
          expect(site.accepted.map((share) => share.name)).toEqual(Array(site.accepted.length).fill(name));
        } finally {
          await site?.stop();
          await pool.stop();
        }
      },
    );

    test('is taken for ten times what it is: its job comes again for an eased target, and shares of that are accepted', async () => {
      const pool = await LocalPool.start({ nbits: HARD_NBITS });
      let site: Site | undefined;
      try {
        // The translator's own target is as easy as the pool's will be.
        const pace = { minerHashrate: 10 * TOGETHER, sharesPerMinute: 600 };
        site = await Site.start(pool, 'slow', { aggregate: false, ...pace });
        const { log } = site.relay;
        const [miner] = site.connect(1) as [Sv1Miner];
        const isAgain = ({ jobId }: { readonly jobId: number }) => jobId !== baseJobId(jobId);
        await log.first(NewExtendedMiningJob, isAgain);
        await waitFor(() => site?.accepted.some(isAgain) === true);
        expect(miner.acceptedOf.has(String(site.accepted.find(isAgain)?.jobId))).toBe(true);
        await site.settle();
      } finally {
        await site?.stop();
        await pool.stop();
      }
    });
  });
