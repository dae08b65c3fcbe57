import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { expect, it } from 'vitest';
import { scalingMetrics } from '../../src/scaling-loop/metrics.ts';
import type { PodRequests } from '../../src/scaling-loop/pod-requests.ts';
import { Scraper } from '../../src/scaling-loop/scraper.ts';

const LAG = 'lag_seconds';
const pod = { metadata: { namespace: 'mining', name: 'pool-sv-1' } };
const { signal } = new AbortController();

/** Of pods that all answer this. */
function scraperOf(status: number, text: string): Scraper {
  const requests = { send: async () => ({ status, text }) } as unknown as PodRequests;
  const metrics = createMetrics(new MetricsRegistry(), scalingMetrics);
  return new Scraper({ requests, metrics, clock: new ManualClock(), log: silentLogger() });
}

it.each([
  ['the first line', 'lag_seconds 1.5\nother 2\n', 1.5],
  ['the last one, without an end', 'other 2\nlag_seconds 0', 0],
  [
    'one between others that look like it',
    '# HELP lag_seconds 7\nlag_seconds_sum 8\nlag_seconds 3\nlag_seconds_x 9\n',
    3,
  ],
  ['a number with an exponent', 'lag_seconds 1e-3\n', 0.001],
  ['one with labels, which is another metric', 'lag_seconds{a="b"} 1\n', undefined],
  ['one in the middle of a line', 'x lag_seconds 1\n', undefined],
  ['one that is no number', 'lag_seconds many\n', undefined],
  ['none', '', undefined],
])('takes from metrics %s', async (_, text, value) => {
  expect(await scraperOf(200, text).metric(pod, LAG, signal)).toBe(value);
});

it.each([
  ['how many connections there are', 200, '{"connections":12,"order":null,"left":0}', 0],
  ['nothing where the pod does not know the token, which is told', 401, '{"error":"no"}', 1],
  ['nothing where it is not well, of which the token is no part', 503, '{"connections":12}', 0],
])('takes from what a pod says of its connections %s', async (_, status, text, refusals) => {
  let refused = 0;
  const onRefused = () => {
    refused += 1;
  };
  const progress = await scraperOf(status, text).progress(pod, { token: 't', signal, onRefused });
  expect(progress?.connections).toBe(status === 200 ? 12 : undefined);
  expect(refused).toBe(refusals);
});
