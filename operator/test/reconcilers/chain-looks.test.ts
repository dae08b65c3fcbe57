// How high the chain is, as template providers say it.
import { ManualClock } from '@sluice/runtime/clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { templateProviderMetrics } from '../../../services/template-provider/src/metrics.ts';
import type { MiningPool } from '../../src/api/v1alpha1.ts';
import { ObjectCache } from '../../src/kubernetes/object-cache.ts';
import { ChainLooks } from '../../src/reconcilers/chain-looks.ts';
import { BY_WORKLOAD, type Pod, workloadsOf } from '../../src/scaling-loop/pods.ts';
import { examplePool } from '../defaulted.ts';

const MINUTE_MS = 60_000;
const pool = examplePool('regtest');

describe('the height of the chain', () => {
  const { signal } = new AbortController();
  let clock: ManualClock;
  /** By the name of the provider; who is not there says nothing. */
  let heights: Map<string, number>;
  let asked: number;
  let news: MiningPool[];
  let pods: ObjectCache<Pod>;
  let looks: ChainLooks;

  const provider = (name: string, height?: number, isReady = true) => {
    const labels = { 'mining.sluice.dev/workload': 'demo-tp' };
    const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False' }];
    pods.put({ metadata: { name, namespace: 'mining', labels }, status: { podIP: '127.0.0.1', conditions } });
    if (height !== undefined) heights.set(name, height);
  };
  /** What is said of the pool at once. Resolves when the look is over, if one was due. */
  const look = async (of: MiningPool = pool) => {
    const chain = looks.of(of, signal);
    await new Promise(setImmediate);
    return chain?.height;
  };

  beforeEach(() => {
    clock = new ManualClock();
    heights = new Map();
    asked = 0;
    news = [];
    pods = new ObjectCache<Pod>({ [BY_WORKLOAD]: workloadsOf });
    const metric = async ({ metadata }: Pod, name: string) => {
      expect(name).toBe(templateProviderMetrics.tipHeight.name);
      asked += 1;
      return heights.get(metadata.name);
    };
    looks = new ChainLooks({ scraper: { metric }, pods, clock, onNews: (of) => news.push(of) });
  });

  it('is that of the best provider that has work, and is told as news', async () => {
    provider('tp-0', 99);
    provider('tp-1', 100);
    provider('tp-2', 7_000, false);
    provider('tp-3');
    expect(await look()).toBe(undefined);
    expect(news).toEqual([pool]);
    expect(await look()).toBe(100);
  });

  it('is asked for once a minute, however often the pool is reconciled, and when there is somebody to ask', async () => {
    expect([await look(), asked]).toEqual([undefined, 0]);
    provider('tp-0', 100);
    await look();
    heights.set('tp-0', 101);
    clock.advance(MINUTE_MS - 1);
    expect([await look(), asked]).toEqual([100, 1]);
    clock.advance(1);
    expect([await look(), asked]).toEqual([100, 2]);
    expect([await look(), asked]).toEqual([101, 2]);
    expect(news).toHaveLength(2);
  });

  it('goes down where the chain does, and is no news where it is the same', async () => {
    provider('tp-0', 100);
    for (const [height, told] of [
      [100, 1],
      [100, 1],
      [99, 2],
    ] as const) {
      heights.set('tp-0', height);
      await look();
      expect([await look(), news.length]).toEqual([height, told]);
      clock.advance(MINUTE_MS);
    }
  });

  it('stays what it was while no provider says anything that is one, also under the next leader', async () => {
    const before = { ...pool, status: { chain: { height: 100 } } };
    for (const height of [undefined, Number.POSITIVE_INFINITY, 100.5, 100]) {
      provider('tp-0', height);
      expect(await look(before)).toBe(100);
      clock.advance(MINUTE_MS);
    }
    expect(news).toEqual([]);
    heights.set('tp-0', 101);
    await look(before);
    expect(await look(before)).toBe(101);
    expect(asked).toBe(5);
  });

  it('is asked for no more than four of many providers', async () => {
    for (let index = 0; index < 9; index += 1) provider(`tp-${index}`, index);
    await look();
    expect(asked).toBe(4);
  });
});
