import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { expect, it } from 'vitest';
import { scalingMetrics } from '../../src/scaling-loop/metrics.ts';
import type { PodRequests } from '../../src/scaling-loop/pod-requests.ts';
import { Scraper } from '../../src/scaling-loop/scraper.ts';

const LAG = 'lag_seconds';

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
  const requests = { send: async () => ({ status: 200, text }) } as unknown as PodRequests;
  const metrics = createMetrics(new MetricsRegistry(), scalingMetrics);
  const scraper = new Scraper({ requests, metrics, clock: new ManualClock(), log: silentLogger() });
  const pod = { metadata: { namespace: 'mining', name: 'pool-sv-1' } };
  expect(await scraper.metric(pod, LAG, new AbortController().signal)).toBe(value);
});
