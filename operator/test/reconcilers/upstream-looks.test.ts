// What proxies say when they are asked, over real HTTP.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ManualClock } from '@sluice/runtime/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ObjectCache } from '../../src/kubernetes/object-cache.ts';
import { UpstreamLooks } from '../../src/reconcilers/upstream-looks.ts';
import { PodRequests } from '../../src/scaling-loop/pod-requests.ts';
import { BY_WORKLOAD, type Pod, workloadsOf } from '../../src/scaling-loop/pods.ts';
import { exampleProxyFleet } from '../defaulted.ts';

const fleet = exampleProxyFleet('farm');
const upstream = { name: 'pool.example:3333', state: 'active', down_reason: null };

describe('a look at the upstreams of a fleet', () => {
  const clock = new ManualClock();
  let server: Server;
  /** By the name of the pod; what is not there is not found. */
  let answers: Map<string, string>;
  let asked: string[];
  let pods: ObjectCache<Pod>;
  let looks: UpstreamLooks;

  const addPod = (name: string, answer?: string) => {
    const labels = { 'mining.sluice.dev/workload': 'farm-px' };
    pods.put({ metadata: { name, namespace: 'mining', labels }, status: { podIP: '127.0.0.1' } });
    if (answer !== undefined) answers.set(name, answer);
  };

  beforeEach(async () => {
    answers = new Map();
    asked = [];
    pods = new ObjectCache<Pod>({ [BY_WORKLOAD]: workloadsOf });
    server = createServer(({ url = '' }, response) => {
      asked.push(url);
      const answer = answers.get(url.split('/')[1] ?? '');
      response.writeHead(answer === undefined ? 404 : 200).end(answer);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    // The name stands in the path, so that one server is all pods.
    const requests = new PodRequests(`http://{ip}:${port}/{name}`);
    looks = new UpstreamLooks({ requests, pods, clock });
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it('has what each proxy says that can be read', async () => {
    addPod('good', JSON.stringify({ upstreams: [upstream] }));
    addPod('silent');
    for (const [index, answer] of ['', 'null', '{}', '{"upstreams":[7]}', '{"upstreams":[{"name":"a"}]}'].entries())
      addPod(`bad-${index}`, answer);
    expect(await looks.of(fleet)).toEqual([[upstream]]);
    expect(asked).toHaveLength(7);
    expect(asked).toContain('/good/api/v1/upstreams');
  });

  it('is not repeated within 15 seconds, unless there was nobody to ask', async () => {
    expect(await looks.of(fleet)).toEqual([]);
    addPod('first', JSON.stringify({ upstreams: [upstream] }));
    expect(await looks.of(fleet)).toHaveLength(1);
    clock.advance(14_000);
    expect(await looks.of(fleet)).toHaveLength(1);
    expect(asked).toHaveLength(1);
    clock.advance(1_000);
    await looks.of(fleet);
    expect(asked).toHaveLength(2);
    looks.forget(fleet.metadata.uid);
    await looks.of(fleet);
    expect(asked).toHaveLength(3);
  });

  it('asks so many proxies of a fleet and no more', async () => {
    for (let index = 0; index < 40; index += 1) addPod(`pod-${index}`, JSON.stringify({ upstreams: [upstream] }));
    expect(await looks.of(fleet)).toHaveLength(32);
  });
});
