// The proxy with a channel for each miner, on whole pools of ours: who is known by what name, what each is credited with, what becomes of a
// miner whose channel is refused, and of all of them when a pool goes.
import { encodeFrame } from '@sluice/sv2/frames';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalPool } from '../support/local-pool.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { readLedger } from '../support/share-ledger.ts';
import type { Sv1Miner } from '../support/sv1-miner.ts';
import { Sv2Relay } from '../support/sv2-relay.ts';
import { TwoPools } from '../support/two-pools.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;
const MINERS = 20;
const FAIL_OVER_MS = 2_000;
const RETURN_SECONDS = 2;
/** The miner whose channel the pool refuses. */
const UNWANTED = 'rig-3';

interface Client {
  readonly worker: string;
  readonly upstream: number;
  readonly own_channel: boolean;
  readonly own_channel_refusal: string | null;
}

const clients = async (proxy: ProxyProcess) =>
  ((await proxy.api('/clients?limit=1000')) as { readonly clients: readonly Client[] }).clients;
const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, number) => total + number, 0);

describe('a channel for each miner', () => {
  let pool: LocalPool;
  let relay: Sv2Relay;
  let proxy: ProxyProcess;
  let miners: readonly Sv1Miner[];
  let refusedRequest: number | undefined;

  beforeAll(async () => {
    pool = await LocalPool.start({ nbits: HARD_NBITS });
    relay = await Sv2Relay.start('farm', pool, ({ declared, value }) => {
      if (declared === OpenExtendedMiningChannel) {
        const { requestId, userIdentity } = value as OpenExtendedMiningChannel;
        if (userIdentity === `farm.${UNWANTED}`) refusedRequest = requestId;
      }
      if (declared !== OpenExtendedMiningChannelSuccess) return undefined;
      const { requestId } = value as OpenExtendedMiningChannelSuccess;
      return requestId === refusedRequest
        ? encodeFrame(OpenMiningChannelError, { requestId, errorCode: 'unknown-user' })
        : undefined;
    });
    proxy = await ProxyProcess.start({
      ...{ upstreams: [relay], identity: 'farm' },
      flags: ['--channels', 'per-miner', '--shares-per-minute', '60'],
    });
    miners = await proxy.connect(MINERS, 4_000);
    await waitFor(async () =>
      (await clients(proxy)).every((one) => one.own_channel || one.own_channel_refusal !== null),
    );
  });
  afterAll(async () => {
    await proxy?.stop();
    await relay?.stop();
    await pool?.stop();
  });

  /** By name, the ids of the channels that were opened. */
  function opened(): ReadonlyMap<string, number> {
    const names = new Map(relay.log.of(OpenExtendedMiningChannel).map((one) => [one.requestId, one.userIdentity]));
    return new Map(
      relay.log.of(OpenExtendedMiningChannelSuccess).map((one) => [names.get(one.requestId) ?? '', one.channelId]),
    );
  }

  test('each is opened with its worker behind the identity, beside that of the farm; one that is refused stays on that', async () => {
    const workers = Array.from({ length: MINERS }, (_, index) => `farm.rig-${index}`);
    expect([...opened().keys()].toSorted()).toEqual(['farm', ...workers].toSorted());
    const refused = (await clients(proxy)).filter((one) => !one.own_channel);
    expect(refused).toMatchObject([{ worker: UNWANTED, own_channel_refusal: 'unknown-user' }]);
    expect(await proxy.metric('miner_channels')).toBe(MINERS - 1);
    expect(await proxy.metric('miner_channels_refused_total')).toBe(1);
  });

  test('all shares go up on the channel of their miner, are accepted, and are credited to its worker', async () => {
    await waitFor(() => readLedger(relay.log).accepted.length > 300);
    await waitFor(() => miners.every(({ accepted }) => accepted > 0));
    await proxy.pause();
    const accepted = sum(miners.map((miner) => miner.accepted));
    expect(miners.flatMap(({ rejections }) => rejections)).toEqual([]);
    expect(accepted).toBe(await proxy.metric('shares_good_total'));
    const forwarded = await proxy.metric('shares_forwarded_total');
    expect((await proxy.metric('shares_kept_total')) + forwarded).toBe(accepted);
    const ledger = readLedger(relay.log);
    expect({ ...ledger, accepted: ledger.accepted.length }).toEqual({
      ...{ sent: forwarded, accepted: forwarded, refused: [], unanswered: 0, faults: [] },
    });
    const due = new Map<string, number>();
    for (const { name } of ledger.accepted) due.set(name, (due.get(name) ?? 0) + 1);
    expect(due.size).toBe(MINERS);
    const credited = async () =>
      new Map([...(await pool.credits())].map(([name, { shares }]) => [name, shares] as const));
    await waitFor(async () => sum((await credited()).values()) === forwarded);
    expect(await credited()).toEqual(due);
    // Their channel names them; on that of the farm the share does.
    const common = opened().get('farm');
    const own = relay.log.messages.filter(
      ({ declared, value }) =>
        declared === SubmitSharesExtended && (value as SubmitSharesExtended).channelId !== common,
    );
    expect(own.length).toBeGreaterThan(forwarded / 2);
    expect(own.every(({ worker }) => worker === undefined)).toBe(true);
    expect(ledger.accepted.some(({ name, channelId }) => channelId === common && name === `farm.${UNWANTED}`)).toBe(
      true,
    );
  });

  test('one whose miner has left is closed', async () => {
    const channelId = opened().get('farm.rig-0');
    miners[0]?.stop();
    await waitFor(() => relay.log.of(CloseChannel).length > 0);
    expect(relay.log.of(CloseChannel)).toMatchObject([{ channelId }]);
    await waitFor(async () => (await proxy.metric('miner_channels')) === MINERS - 2);
  });
});

describe('fail-over with a channel for each miner', () => {
  let two: TwoPools;
  let proxy: ProxyProcess;
  let miners: readonly Sv1Miner[];

  beforeAll(async () => {
    two = await TwoPools.start(HARD_NBITS);
    proxy = await ProxyProcess.start({
      upstreams: two.upstreams,
      identity: 'farm',
      flags: ['--channels', 'per-miner', '--shares-per-minute', '120', '--return-after', String(RETURN_SECONDS)],
    });
    miners = await proxy.connect(MINERS, 2_000);
    await allOnOwn(1);
    await waitFor(async () => (await proxy.metric('upstream_up')) === 2);
  });
  afterAll(async () => {
    await proxy?.stop();
    await two?.stop();
  });

  /** Every miner has a channel of its own on this upstream, and a share accepted from then on. */
  async function allOnOwn(upstream: number): Promise<void> {
    await waitFor(async () => (await clients(proxy)).every((one) => one.own_channel && one.upstream === upstream));
    const before = miners.map(({ accepted }) => accepted);
    await waitFor(() => miners.every(({ accepted }, index) => accepted > (before[index] ?? 0)));
  }

  test('all have work of the second within two seconds, and channels there; and of the first again when it is back', async () => {
    const [first] = two.ways;
    first.cut();
    const { tipHash } = two.pools[1].chain;
    const jobSince = ({ jobs }: Sv1Miner) =>
      jobs.find(({ prevHash, atMs }) => atMs >= first.brokenAt && Buffer.compare(prevHash, tipHash) === 0);
    await waitFor(() => miners.every((miner) => jobSince(miner) !== undefined));
    expect(Math.max(...miners.map((miner) => jobSince(miner)?.atMs ?? Infinity)) - first.brokenAt).toBeLessThan(
      FAIL_OVER_MS,
    );
    await allOnOwn(2);
    first.restore();
    await allOnOwn(1);
    expect([...new Set(miners.map(({ isOpen }) => isOpen))]).toEqual([true]);
  });

  test('no share was counted twice, and every one has its place in the books', async () => {
    await proxy.pause();
    const metrics = ['shares_good', 'shares_kept', 'shares_unserved', 'shares_forwarded'] as const;
    const [good, kept, unserved, forwarded] = await Promise.all(metrics.map((name) => proxy.metric(`${name}_total`)));
    expect((kept ?? 0) + (unserved ?? 0) + (forwarded ?? 0)).toBe(good);
    const ends = ['accepted', 'refused', 'unanswered'] as const;
    const [taken = 0, refused, unanswered = 0] = await Promise.all(
      ends.map((name) => proxy.metric(`upstream_shares_${name}_total`)),
    );
    expect(refused).toBe(0);
    expect(taken + unanswered).toBe(forwarded);
    await waitFor(async () => (await two.credited()) >= taken);
    expect(await two.credited()).toBeLessThanOrEqual(taken + unanswered);
  });
});
