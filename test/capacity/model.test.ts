// What the models of docs/capacity.md cannot do without, and that the page has the assumptions that they use.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { markdownOf } from '../load/report/table.ts';
import { type Assumption, assumptions, seconds } from './assumptions.ts';
import { MeasuredSection } from './measured-section.ts';
import { simulateTips } from './new-tip.ts';
import { firstLimits, poolSize } from './pool-size.ts';
import { longRunOf, realRuns } from './real-runs.ts';
import { assumptionText, limitTable, realTable } from './section.ts';
import { simulateShares } from './share-way.ts';
import { type StormOptions, simulateStorm } from './storm.ts';

const quiet = { oneCore: false, appendAlone: 0, validators: 1, seconds: 10, seed: 1 } as const;

describe('shares', () => {
  it('are all answered, after half a window in the mean and never before the way there and back', () => {
    const link = 0.03;
    const { latency, sharesPerSecond } = simulateShares({
      ...quiet,
      gateways: [{ sharesPerSecond: 1_000, link }],
      appendsPerSecond: 10_000,
    });
    expect(Math.abs(sharesPerSecond - 1_000)).toBeLessThan(50);
    expect(latency.quantile(0)).toBeGreaterThan(2 * link * 1_000);
    expect(latency.max).toBeGreaterThan((2 * link + seconds(assumptions.shareWindow)) * 1_000);
  });

  it('come in larger batches where the stream is at its bound, as many as before', () => {
    const gateways = Array.from({ length: 20 }, () => ({ sharesPerSecond: 600, link: 0 }));
    const { appendsPerSecond, streamBusy, sharesPerSecond } = simulateShares({
      ...quiet,
      gateways,
      appendsPerSecond: 200,
    });
    expect(Math.abs(appendsPerSecond / 200 - 1)).toBeLessThan(0.01);
    expect(streamBusy).toBeGreaterThan(0.95);
    expect(Math.abs(sharesPerSecond / 12_000 - 1)).toBeLessThan(0.05);
  });
});

describe('a new tip', () => {
  it('is told to everyone once, the last after the writes of all', () => {
    const connections = 1_000;
    const { announced, fromFirst } = simulateTips({ gateways: [{ connections, link: 0 }], blocks: 2, beside: 0 });
    expect(announced.count).toBe(2 * connections);
    expect(Math.abs(fromFirst.max - ((connections - 1) * assumptions.tipWrite.value) / 1_000)).toBeLessThan(0.01);
  });

  it('comes later where others want the core', () => {
    const gateways = [{ connections: 5_000, link: 0 }];
    const last = (options: object) => simulateTips({ gateways, blocks: 1, beside: 0, ...options }).fromFirst.max;
    expect(last({ beside: 0.05 })).toBeGreaterThan(last({}) + 40);
  });
});

describe('a storm', () => {
  const options: StormOptions = {
    gateways: 16,
    busyWithShares: 0.1,
    miners: 16_000,
    channelManagers: 4,
    connectionRate: 500,
    noticedAfter: [0, 1],
    comesAgain: 'backoff',
    seconds: 60,
    seed: 1,
  };

  it('ends with every miner mining, and not before a gateway had time for all of its own', () => {
    const { mining, after, gatewayPeak } = simulateStorm(options);
    expect(mining.at(-1)).toBe(1);
    expect(mining).toEqual(mining.toSorted((a, b) => a - b));
    expect(after(1)).toBeGreaterThan((options.miners / options.gateways) * seconds(assumptions.gatewayOpen));
    expect(gatewayPeak).toBeLessThanOrEqual(1.001);
  });

  it('ends also where channel-managers are too few, because a gateway has few questions out', () => {
    const { after, questionsAnOpen, opensTooLate } = simulateStorm({
      ...options,
      ...{ gateways: 64, miners: 80_000, channelManagers: 1 },
    });
    expect(after(0.99)).toBeLessThan(60);
    expect(questionsAnOpen).toBeLessThan(1.5);
    expect(opensTooLate).toBe(0);
  });

  it('holds up a share for no longer than a turn of handshakes and what was read before it', () => {
    const { longestWait, gatewayPeak } = simulateStorm({ ...options, miners: 64_000, channelManagers: 8 });
    expect(gatewayPeak).toBeGreaterThan(0.99);
    expect(longestWait).toBeLessThan(0.2);
  });

  it('is held down by the rate of connections', () => {
    const { refusedByRate, after } = simulateStorm({ ...options, connectionRate: 20 });
    expect(refusedByRate).toBeGreaterThan(1);
    // A burst of 200 each, and 20 a second.
    expect(after(0.99)).toBeGreaterThan(30);
  });
});

describe('the size of a pool', () => {
  it('grows with its miners', () => {
    const [small, large] = [poolSize(100_000, 1), poolSize(1_000_000, 1)];
    expect(small.sharesPerSecond).toBe(10_000);
    expect(large.gateways).toBe(167);
    expect(large.connectionsEachLeft).toBeLessThan(assumptions.maxConnections.value);
    expect(large.sharesGBADay / small.sharesGBADay).toBeCloseTo(10);
    expect(large.coresToGive).toBeGreaterThan(large.gatewayCores + large.extendedValidatorCores + large.natsCores);
    expect(large.memoryToGiveGiB).toBeGreaterThan(large.gatewayMemoryGiB + large.validators * large.validatorMemoryGiB);
  });

  it('meets the disk first', () => {
    expect(firstLimits()[0]?.name).toBe('disk');
  });
});

describe('a measured section', () => {
  const text = [
    '## A comparison',
    '',
    '`npm run something` on 2026-11-25, 3 rounds.',
    '- Sluice at 98319a4, Node 24.21.0',
    '',
    '### Shares, of all kinds',
    '',
    '| load | figure | other | ours |',
    '|---|---|---:|---:|',
    '| slow | shares/s | 1 / 2 / 3 | 1,000 / 31,288 / 32,000 |',
    '|  | **p50, ms** | 4 | **1.25** |',
    '| quick | shares/s | 5 | failed |',
    '',
    'Text.',
  ].join('\n');
  const section = new MeasuredSection('a page', text);

  it('says when it was measured', () => {
    expect(section.when).toBe('2026-11-25, 98319a4');
    expect(section.match(/Node ([\d.]+)/)).toBe('24.21.0');
  });

  it('has the median of what was measured several times, bold or not', () => {
    expect(section.number('Shares', ['slow', 'shares/s'], 'ours')).toBe(31_288);
    expect(section.number('Shares', ['slow', 'p50, ms'], 'ours')).toBe(1.25);
    expect(section.rowNames('Shares')).toEqual(['slow', 'quick']);
  });

  it('has nothing in the place of what is not there', () => {
    expect(section.rowNames('Tips')).toEqual([]);
    for (const [title, names, column] of [
      ['Tips', ['slow', 'shares/s'], 'ours'],
      ['Shares', ['slow', 'p99, ms'], 'ours'],
      ['Shares', ['slow', 'shares/s'], 'theirs'],
      ['Shares', ['quick', 'shares/s'], 'ours'],
    ] as const)
      expect(() => section.number(title, names, column)).toThrow(`a page: no ${column} of ${names.join(', ')}`);
  });
});

describe('a long run', () => {
  it('is held against answers and memory of the model', () => {
    const text = [
      '## A long run',
      '`npm run load:long` on 2026-11-26: 10,000 miners of one gateway, 2,000 shares a second, a new template every 5 s and a block of',
      '- Sluice at 3be3517, Node 24.21.0',
      '### Memory over the last 20 minutes, and the longest stall',
      '| process | MiB before | MiB after |',
      '|---|---:|---:|',
      '| share-validator | 293 | 357 |',
      '| connection-gateway | 501 | 1,509 |',
      '',
      'Share to acknowledgement: p50 15.2 ms, p99 64.0 ms, at most 326 ms.',
    ].join('\n');
    const runs = longRunOf(new MeasuredSection('a page', text));
    expect(runs.map(({ measured }) => measured)).toEqual([15.2, 64, 1_509, 357]);
    for (const { row, modelled } of runs) {
      expect(row).toBe('10,000 connections, 2,000 shares/s, for long');
      expect(modelled).toBeGreaterThan(10);
    }
  });
});

describe('the assumptions', () => {
  const all = Object.values<Assumption>(assumptions);

  it('are amounts, and what was measured says when', () => {
    for (const { what, value, kind, when } of all) {
      expect(value, what).toBeGreaterThanOrEqual(0);
      expect(when !== undefined, what).toBe(kind === 'measured' || kind === 'fitted');
    }
  });
});

describe('docs/capacity.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/capacity.md'), 'utf8');

  it.each([
    ['assumptions that are used', assumptionText],
    ['bounds that are met first', () => markdownOf(limitTable())],
    ['figures that the model has for real runs', () => markdownOf(realTable(realRuns()))],
  ])('has the %s: run npm run capacity', (_, text) => {
    expect(page).toContain(text());
  });
});
