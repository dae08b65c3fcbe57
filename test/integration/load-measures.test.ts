// What the figures of the load tool rest on: its histogram, its pace and its record of what is in flight.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InFlight } from '../load/in-flight.ts';
import type { LongConfig } from '../load/long/config.ts';
import { growthOf } from '../load/long/growth.ts';
import type { WatchedProcess } from '../load/long/process-watch.ts';
import { longVerdict } from '../load/long/section.ts';
import { LatencyHistogram } from '../load/measure/latency-histogram.ts';
import { Pacer } from '../load/pacer.ts';

/** Width of a bucket, and the microsecond that values are rounded to. */
const RELATIVE_ERROR = 0.016;
const ABSOLUTE_ERROR_MS = 0.001;

describe('LatencyHistogram', () => {
  it('gives quantiles within a bucket of the exact ones', () => {
    const latencies = fc.array(fc.double({ min: 0, max: 1_000_000, noNaN: true }), { minLength: 1, maxLength: 500 });
    fc.assert(
      fc.property(latencies, fc.constantFrom(0.5, 0.9, 0.99, 1), (values, part) => {
        const histogram = new LatencyHistogram();
        for (const value of values) histogram.record(value);
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(part * values.length) - 1] ?? Number.NaN;
        const quantile = histogram.quantile(part);
        expect(quantile).toBeGreaterThanOrEqual(exact - ABSOLUTE_ERROR_MS);
        expect(quantile).toBeLessThanOrEqual(exact * (1 + RELATIVE_ERROR) + ABSOLUTE_ERROR_MS);
      }),
    );
  });

  it('adds up over processes', () => {
    const [one, other] = [new LatencyHistogram(), new LatencyHistogram()];
    for (const ms of [1, 2, 3]) one.record(ms);
    for (const ms of [10, 2_000]) other.record(ms);
    const both = LatencyHistogram.of([one.data, other.data]);
    expect(both.count).toBe(5);
    expect(both.max).toBe(2_000);
    expect(both.mean).toBeCloseTo(403.2, 9);
    expect(both.quantile(0.5)).toBeCloseTo(3, 1);
  });

  it('has a distribution that ends with everything, and no quantile of nothing', () => {
    const histogram = new LatencyHistogram();
    expect(histogram.quantile(0.5)).toBeNaN();
    expect(histogram.distribution()).toEqual([]);
    for (const ms of [0, 0.5, 0.5, 7_200_000]) histogram.record(ms);
    expect(histogram.distribution().map(([, part]) => part)).toEqual([0.25, 0.75, 1]);
  });
});

describe('Pacer', () => {
  it('spreads shares evenly, the first one at the start', () => {
    const pacer = new Pacer(500, 100);
    const sent = Array.from({ length: 21 }, (_, tick) => pacer.due(95 + tick));
    expect(sent).toEqual([0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    expect(pacer.skipped).toBe(0);
  });

  it('keeps its rate over any ticks that are short enough', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.array(fc.double({ min: 0, max: 4, noNaN: true })),
        (rate, gaps) => {
          const pacer = new Pacer(rate, 0);
          let now = 0;
          let sent = pacer.due(now);
          for (const gap of gaps) {
            now += gap;
            sent += pacer.due(now);
          }
          expect(sent).toBe(Math.floor(now * (rate / 1_000)) + 1);
          expect(pacer.skipped).toBe(0);
        },
      ),
    );
  });

  it('leaves out what a pause has made late, and counts it', () => {
    const pacer = new Pacer(1_000, 0);
    expect(pacer.due(0)).toBe(1);
    expect(pacer.due(200)).toBe(5);
    expect(pacer.skipped).toBe(195);
    expect(pacer.due(201)).toBe(1);
  });
});

describe('InFlight', () => {
  it('knows which shares wait, whatever comes first', () => {
    const inFlight = new InFlight();
    for (let at = 1; at <= 100; at++) expect(inFlight.send(at)).toBe(at);
    expect(inFlight.answered(3)).toBe(3);
    expect(inFlight.answered(3)).toBeNaN();
    const answered: number[] = [];
    expect(inFlight.acceptedUpTo(5, (sentAt) => answered.push(sentAt))).toBe(4);
    expect(answered).toEqual([1, 2, 4, 5]);
    expect(inFlight.answered(4)).toBeNaN();
    expect(inFlight.answered(101)).toBeNaN();
    expect(inFlight.waiting).toBe(95);
    for (const sequence of [7, 6, 8]) expect(inFlight.answered(sequence)).toBe(sequence);
    expect(inFlight.waiting).toBe(92);
    expect(inFlight.acceptedUpTo(1_000, () => undefined)).toBe(92);
    expect(inFlight.waiting).toBe(0);
  });
});

describe('growth of memory', () => {
  const samples = (bytes: (second: number) => number) =>
    Array.from({ length: 200 }, (_, index) => ({ seconds: index * 5, rssBytes: bytes(index * 5) }));

  it('is that of the last part alone, whatever came before', () => {
    const { fromBytes, toBytes, growth } = growthOf(
      samples((second) => (second < 500 ? second : 1_000 + second)),
      495,
    );
    expect(growth).toBeCloseTo(toBytes / fromBytes - 1);
    expect(fromBytes).toBeGreaterThanOrEqual(1_500);
    expect(growth).toBeGreaterThan(0.2);
    expect(growth).toBeLessThan(0.35);
  });

  it('is none of a level that a single sample leaves', () => {
    expect(
      growthOf(
        samples((second) => (second === 995 ? 9_000 : 1_000)),
        600,
      ).growth,
    ).toBe(0);
  });
});

describe('what a long run is held to', () => {
  const config = { settledMinutes: 20 } as LongConfig;
  const memory = [0, 600, 1_200].map((seconds) => ({ seconds, rssBytes: 1_000 }));
  const watched = { name: 'gateway', isNode: true, memory, longestLateMs: 1, longestWorkMs: 1 };
  const verdict = (changes: Partial<WatchedProcess>, failedLooks = 0) =>
    longVerdict(config, { processes: [{ ...watched, ...changes }], failedLooks });

  it('is how long a loop worked without a look at its sockets, not how long it waited for a core', () => {
    expect(verdict({ longestLateMs: 176, longestWorkMs: 60 })).toEqual([]);
    expect(verdict({ longestLateMs: 176, longestWorkMs: 120 })).toHaveLength(1);
  });

  it('is memory that does not grow', () => {
    const grown = [...memory, { seconds: 1_800, rssBytes: 1_060 }];
    expect(verdict({ memory: grown })).toHaveLength(1);
  });

  it('is to be seen', () => {
    const unseen = { longestLateMs: Number.NaN, longestWorkMs: Number.NaN };
    expect(verdict(unseen)).toEqual(['the event loop of gateway was not seen']);
    expect(verdict({ ...unseen, isNode: false })).toEqual([]);
    expect(verdict({ memory: [] })).toEqual(['memory of gateway was not seen']);
    expect(verdict({}, 2)).toEqual(['2 looks at the processes failed']);
  });
});
