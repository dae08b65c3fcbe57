// The answers of the API for a farm of hashing miners whose upstreams fail, and the page that describes them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@sluice/runtime/clock';
import { JsonRoutes } from '@sluice/runtime/json-routes';
import { silentLogger } from '@sluice/runtime/logger';
import { beforeAll, describe, expect, it } from 'vitest';
import { authorityKey, modules } from '../../../../packages/client/test/support/fake-server.ts';
import { addApiRoutes } from '../../src/api/routes.ts';
import { UpstreamError } from '../../src/upstream/errors.ts';
import { Upstreams } from '../../src/upstream/upstreams.ts';
import { FakeFarm, FakeUpstream, UPSTREAM_TARGET } from '../miners/fake-farm.ts';

const PAGE = join(import.meta.dirname, '../../../../docs/reference/proxy-api.md');

function site() {
  const fake = new FakeFarm();
  const { clock, counters, farm, workers } = fake;
  const urls = ['pool.example', 'other.example'].map((host) => ({ host, port: 3333, authorityKey }));
  const upstreams = new Upstreams(
    urls.map((url) => ({
      url,
      identity: 'farm',
      workerIdentity: '{account}.{worker}',
      minExtranonceSize: 6,
      versionMask: 0x1fff_e000,
    })),
    60_000,
    {
      ...{ ...modules, clock: systemClock, log: silentLogger(), counters, now: () => clock.now() },
      ...{
        hashrate: () => 1,
        onWork: () => undefined,
        onUse: () => undefined,
        connect: () => Promise.reject(new Error('never asked')),
      },
      secure: async (stream) => stream,
    },
  );
  const routes = new JsonRoutes();
  addApiRoutes(routes, { clock, counters, farm, workers, upstreams });
  const get = (path: string, query = '') => {
    const answer = routes.find(path)?.(new URLSearchParams(query));
    if (answer === undefined) throw new Error(`there is no ${path}`);
    // As it goes over the wire.
    return { status: answer.status, body: JSON.parse(JSON.stringify(answer.body)) as Record<string, unknown> };
  };
  return { fake, upstreams, get };
}

/** A farm that has seen every kind of thing that the API tells of. */
function busySite() {
  const { fake, upstreams, get } = site();
  const upstream = new FakeUpstream();
  fake.farm.setWork(0, upstream.work(1, 0xa1));
  const miner = fake.join('farm.rig-1');
  fake.open();
  fake.pass(1);
  const share = miner.find(miner.job, { meets: miner.target, misses: UPSTREAM_TARGET });
  miner.submit(share);
  miner.submit(share);
  miner.forwarded();
  upstream.shares[0]?.owner?.answered(upstream.shares[0].request, 'stale-share');
  upstreams.history.note(0, 'standby', fake.clock.now());
  upstreams.history.note(0, 'active', fake.clock.now());
  upstreams.history.note(
    1,
    'down',
    fake.clock.now(),
    new UpstreamError('upstream-unreachable', 'connect ECONNREFUSED'),
  );
  return { fake, get };
}

describe('GET /api/v1', () => {
  it('lists what there is, and each of it answers', () => {
    const { get } = site();
    const { resources } = get('/api/v1').body;
    expect(resources).toEqual(
      ['totals', 'clients', 'workers', 'upstreams', 'history'].map((name) => `/api/v1/${name}`),
    );
    for (const path of resources as string[]) expect(get(path).status).toBe(200);
  });

  it('tells of a worker what its miner has done', () => {
    const { fake, get } = busySite();
    const now = fake.clock.now() / 1_000;
    expect(get('/api/v1/workers').body).toEqual({
      workers: [
        {
          ...{ id: 1, name: 'rig-1', clients_connected: 1 },
          clients: [{ id: 1, user_agent: 'fake/1', difficulty: expect.closeTo(2 ** -26, 12) }],
          hashrate_hashes_per_second: expect.closeTo(128 / 30),
          ...{ work_hashes: 128, shares_accepted: 2 },
          shares_refused: { 'duplicate-share': 1 },
          upstream_shares_refused: { 'stale-share': 1 },
          // At least one for the upstream, of 1,024 hashes.
          best_share_difficulty: expect.toSatisfy((difficulty: number) => difficulty >= 2 ** -22.001),
          last_share_timestamp_seconds: now,
        },
      ],
      next_cursor: null,
    });
  });

  it('tells of clients in parts, those that are not authorized among them', () => {
    const { get } = busySite();
    const first = get('/api/v1/clients', 'limit=1').body;
    expect(first).toMatchObject({
      clients: [{ id: 1, worker: 'rig-1', address: '192.0.2.1', shares_accepted: 2, shares_refused: 1 }],
      next_cursor: '1',
    });
    expect(get('/api/v1/clients', `limit=1&cursor=${first.next_cursor}`).body).toMatchObject({
      clients: [{ id: 2, worker: null, difficulty: null, hashrate_hashes_per_second: 0 }],
      next_cursor: null,
    });
    expect(get('/api/v1/clients', 'limit=0')).toEqual({
      status: 400,
      body: { error: 'limit: an integer from 1 to 1000' },
    });
  });
});

/** Names and kinds of what stands in an answer; of a list those of its first item. Counts by code are told by having any. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]));
}

describe('docs/reference/proxy-api.md', () => {
  const examples = new Map<string, unknown>();
  beforeAll(() => {
    const blocks = readFileSync(PAGE, 'utf8').matchAll(/^## `GET (\S+)`$(?:(?!^## ).)*?^```json\n(.*?)^```$/gms);
    for (const [, path = '', json = ''] of blocks) examples.set(path, JSON.parse(json));
  });

  it('has an example of every resource, of the names and kinds that are answered', () => {
    const { get } = busySite();
    const paths = ['/api/v1', ...(get('/api/v1').body.resources as string[])];
    expect([...examples.keys()]).toEqual(paths);
    for (const path of paths)
      expect({ path, shape: shapeOf(examples.get(path)) }).toEqual({ path, shape: shapeOf(get(path).body) });
  });
});
