// What the proxy as a process tells of itself, beside what its miners have counted.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { LocalPool } from '../support/local-pool.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { Sv1Miner } from '../support/sv1-miner.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { waitFor } from '../support/wait-for.ts';

/** A block takes 2^32 hashes: none is found here. */
const HARD_NBITS = 0x1d00_ffff;

interface WorkerAnswer {
  readonly name: string;
  readonly clients_connected: number;
  readonly clients: readonly { readonly user_agent: string; readonly difficulty: number }[];
  readonly hashrate_hashes_per_second: number;
  readonly work_hashes: number;
  readonly shares_accepted: number;
  readonly shares_refused: Readonly<Record<string, number>>;
  readonly best_share_difficulty: number;
  readonly last_share_timestamp_seconds: number;
}

interface UpstreamAnswer {
  readonly place: number;
  readonly state: string;
  readonly down_reason: string | null;
}

describe("the proxy's API", () => {
  let pool: LocalPool;
  let way: TcpRelay;
  let away: number;
  let proxy: ProxyProcess;
  let startedMs: number;

  beforeAll(async () => {
    startedMs = Date.now();
    pool = await LocalPool.start({ nbits: HARD_NBITS });
    way = await TcpRelay.start(Number(pool.address.split(':')[1]));
    away = await freePort();
    const { authorityKey } = pool;
    proxy = await ProxyProcess.start({
      upstreams: [
        { address: `127.0.0.1:${away}`, authorityKey },
        { address: `127.0.0.1:${way.port}`, authorityKey },
      ],
      identity: 'farm',
      flags: ['--shares-per-minute', '60'],
    });
  });
  afterAll(async () => {
    await proxy?.stop();
    await way?.stop();
    await pool?.stop();
  });

  /** In the order of their names. */
  const workers = async () => {
    const answer = (await proxy.api('/workers')) as { readonly workers: readonly WorkerAnswer[] };
    return answer.workers.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  };
  const upstreams = async () => {
    const answer = (await proxy.api('/upstreams')) as { readonly upstreams: readonly UpstreamAnswer[] };
    return answer.upstreams.map(({ place, state, down_reason }) => [place, state, down_reason]);
  };

  test('has of each worker what its miners were told, over their connections', async () => {
    const [first, second] = (await proxy.connect(2, 8_000)) as [Sv1Miner, Sv1Miner];
    // Another device of the first worker, which leaves before anybody asks.
    const brief = new Sv1Miner({ port: proxy.port, user: 'farm.rig-0', hashrate: 8_000 });
    proxy.miners.push(brief);
    await brief.ready;
    await waitFor(() => [first, second, brief].every(({ accepted }) => accepted > 20));
    await proxy.pause();
    brief.stop();
    await waitFor(async () => (await proxy.metric('miners')) === 2);
    const told = await workers();
    expect(told.map(({ name, shares_accepted }) => [name, shares_accepted])).toEqual([
      ['rig-0', first.accepted + brief.accepted],
      ['rig-1', second.accepted],
    ]);
    for (const worker of told) {
      const { clients_connected, clients, shares_refused, work_hashes, best_share_difficulty } = worker;
      expect({ clients_connected, shares_refused }).toEqual({ clients_connected: 1, shares_refused: {} });
      expect(clients.map(({ user_agent }) => user_agent)).toEqual(['sluice-test/1']);
      const difficulty = (worker.name === 'rig-0' ? first : second).difficulties.at(-1) as number;
      expect((clients[0]?.difficulty ?? 0) / difficulty).toBeCloseTo(1, 6);
      // No share is easier than the easiest that it was told, nor is the best.
      expect(work_hashes).toBeGreaterThan(worker.shares_accepted);
      expect(best_share_difficulty).toBeGreaterThan(Math.min(...first.difficulties, ...second.difficulties) * 0.999);
      expect(worker.hashrate_hashes_per_second).toBeGreaterThan(0);
      expect(worker.hashrate_hashes_per_second).toBeLessThanOrEqual(work_hashes / 30);
      expect(worker.last_share_timestamp_seconds * 1_000).toBeGreaterThan(startedMs);
      expect(worker.last_share_timestamp_seconds * 1_000).toBeLessThanOrEqual(Date.now());
    }
    expect(await proxy.api('/totals')).toMatchObject({
      ...{ clients: 2, workers: 2, active_upstream: 2, shares_refused: {} },
      shares_good: first.accepted + second.accepted + brief.accepted,
      upstream_shares_in_flight: 0,
    });
  });

  test('goes through the clients in parts', async () => {
    const seen: (readonly [worker: string, address: string])[] = [];
    for (let cursor: string | null = '0'; cursor !== null; ) {
      const part = (await proxy.api(`/clients?limit=1&cursor=${cursor}`)) as {
        readonly clients: readonly { readonly worker: string; readonly address: string }[];
        readonly next_cursor: string | null;
      };
      seen.push(...part.clients.map(({ worker, address }) => [worker, address] as const));
      cursor = part.next_cursor;
    }
    expect(seen.toSorted()).toEqual([
      ['rig-0', expect.stringContaining('127.0.0.1')],
      ['rig-1', expect.stringContaining('127.0.0.1')],
    ]);
  });

  test('says of each upstream how it is and how it came there, and counts what was refused meanwhile', async () => {
    expect(await upstreams()).toEqual([
      [1, 'down', 'upstream-unreachable'],
      [2, 'active', null],
    ]);
    way.cut();
    // What is sent before is refused for the upstream's sake, and counted apart.
    await waitFor(async () => (await upstreams())[1]?.[1] === 'down');
    const [first] = proxy.miners as [Sv1Miner];
    first.hashrate = 8_000;
    await waitFor(() => first.rejections.length > 3);
    await proxy.pause();
    const [worker] = await workers();
    expect(worker?.shares_refused).toEqual({ 'share-not-stored': first.rejections.length });
    way.restore();
    await waitFor(async () => (await upstreams())[1]?.[1] === 'active');
    const { history } = (await proxy.api('/history')) as { readonly history: readonly UpstreamAnswer[] };
    const states = history.filter(({ place }) => place === 2).map(({ state }) => state);
    expect(states.slice(0, 3)).toEqual(['standby', 'active', 'down']);
    expect(states.slice(-2)).toEqual(['standby', 'active']);
    expect(history.filter(({ place }) => place === 1).map(({ down_reason }) => down_reason)).toEqual([
      'upstream-unreachable',
    ]);
  });
});
