import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { channelKinds, PAYS_POOL } from '@sluice/bus/payloads/channel';
import { Statistics } from '@sluice/bus/payloads/credit';
import { MAX_PAYLOAD_BYTES } from '@sluice/bus/streams';
import { shareTarget } from '@sluice/mining/share-target';
import { ManualClock } from '@sluice/runtime/clock';
import { describe, expect, it } from 'vitest';
import { CHANNELS_BOUND, ChannelAudit, ChannelAudits, HONEST_TROUBLES } from '../src/channel-audit.ts';
import { GivenJobs } from '../src/given-jobs.ts';
import type { KnownJob } from '../src/job-history.ts';
import { KNOWN_TARGETS_BOUND, KnownTargets } from '../src/known-targets.ts';
import { LiveJobs, Novelty } from '../src/live-jobs.ts';
import { SILENCE_MS, Validators } from '../src/validators.ts';
import { HASHRATE_WINDOW_MS, WorkerStatistics } from '../src/worker-statistics.ts';

const MINUTE = 60_000;

describe('KnownTargets', () => {
  it('makes a target once for the same bytes, and forgets them all at its bound', () => {
    const targets = new KnownTargets();
    const bytesOf = (value: bigint) => shareTarget(value).bytes;
    const first = targets.of(bytesOf(5n));
    expect(first).toEqual(shareTarget(5n));
    expect(targets.of(bytesOf(5n))).toBe(first);
    for (let value = 6n; value < 5n + BigInt(KNOWN_TARGETS_BOUND); value += 1n) targets.of(bytesOf(value));
    expect(targets.of(bytesOf(5n))).toBe(first);
    targets.of(bytesOf(1n));
    expect(targets.of(bytesOf(5n))).not.toBe(first);
  });
});

describe('ChannelAudits', () => {
  it('takes so many channels with open jobs, and says of more what an honest gateway may bring about', () => {
    const audits = new ChannelAudits(1n);
    const extranoncePrefix = new Uint8Array(8);
    const view = new DataView(extranoncePrefix.buffer);
    view.setUint32(0, 1);
    const entry = { channelKey: 1, kind: channelKinds.extended, identity: 'a', worker: 'b', poolPercent: PAYS_POOL };
    const of = (number: number) => {
      view.setUint32(4, number);
      return audits.of({ ...entry, extranoncePrefix });
    };
    for (let number = 0; number < CHANNELS_BOUND; number++) if (typeof of(number) === 'string') expect.unreachable();
    expect(HONEST_TROUBLES).toContain(of(CHANNELS_BOUND));
    expect(of(1)).toBeInstanceOf(ChannelAudit);
    audits.forgetBelow(1);
    expect(of(CHANNELS_BOUND)).toBeInstanceOf(ChannelAudit);
  });
});

describe('LiveJobs', () => {
  const known = (jobId: number, order: number) => ({ job: { jobId }, order }) as KnownJob;
  const hash = (mark: number) => new Uint8Array(32).fill(mark);

  it('says so at its bound instead of taking a share for new', () => {
    const live = new LiveJobs(0, 2);
    expect([1, 2, 3, 1, 3].map((mark) => live.note(known(16, 1), hash(mark), 0, 1))).toEqual([
      Novelty.fresh,
      Novelty.fresh,
      Novelty.full,
      Novelty.repeated,
      Novelty.full,
    ]);
  });

  it('reads again from the first record of what is open', () => {
    const live = new LiveJobs(0);
    live.note(known(16, 1), hash(1), 0, 10);
    live.note(known(32, 5), hash(2), MINUTE, 20);
    live.note(known(48, 9), hash(3), 2 * MINUTE, 30);
    expect(live.replayFrom(40)).toBe(10);
    expect(live.close(11 * MINUTE)).toBe(false);
    expect(live.close(12.5 * MINUTE)).toBe(true);
    expect(live.floor).toBe(5);
    expect(live.size).toBe(2);
    expect(live.replayFrom(40)).toBe(20);
    expect(live.note(known(16, 1), hash(1), 13 * MINUTE, 41)).toBe(Novelty.closed);
  });
});

describe('GivenJobs', () => {
  const bytes = (mark: number) => new Uint8Array(32).fill(mark);

  it('has the target and the root of each channel and job, and of reissues apart', () => {
    const given = new GivenJobs();
    const all = [16, 17, 32].flatMap((jobId) => Array.from({ length: 100 }, (_, channel) => ({ jobId, channel })));
    for (const [mark, { jobId, channel }] of all.entries()) {
      expect(given.find(jobId, channel)).toBe(false);
      given.add(jobId, 1, channel, bytes(mark), bytes(mark + 1));
    }
    for (const [mark, { jobId, channel }] of all.entries()) {
      expect(given.find(jobId, channel)).toBe(true);
      expect([given.target, given.root]).toEqual([bytes(mark), bytes(mark + 1)]);
    }
  });

  it('forgets a job when the floor is above the last time that it became work', () => {
    const given = new GivenJobs();
    for (const [channel, order] of [4, 6, 5].entries()) {
      expect(given.find(16, channel)).toBe(false);
      given.add(16, order, channel, bytes(1), undefined);
    }
    given.forgetBelow(6);
    expect(given.find(16, 0)).toBe(true);
    given.forgetBelow(7);
    expect(given.find(16, 0)).toBe(false);
  });
});

describe('WorkerStatistics', () => {
  const start = 1_700_000_040_000;
  const credit = (worker: string, work = 600n) => ({ identity: 'i', worker, shares: 1, work });

  it('gives the mean of the window and forgets the silent', () => {
    const statistics = new WorkerStatistics(start);
    for (let minute = 0; minute < 30; minute += 1) statistics.add(credit('w'), start + minute * MINUTE);
    const [report] = statistics.report('v', start + 29.99 * MINUTE);
    expect(report).toMatchObject({ shares: 30n, work: 18_000n, fromMs: start });
    expect(report?.workers[0]?.hashrate).toBeCloseTo(10, 1);
    const [second] = statistics.report('v', start + 30.5 * MINUTE);
    expect(second).toMatchObject({ shares: 0n, work: 0n, workers: [{ shares: 0, work: 0n }] });
    const [last] = statistics.report('v', start + 30 * MINUTE + HASHRATE_WINDOW_MS + MINUTE);
    expect(last?.workers).toEqual([]);
    expect(statistics.size).toBe(0);
  });

  it('does not take old shares for present hashrate', () => {
    const statistics = new WorkerStatistics(start);
    statistics.add(credit('w'), start);
    statistics.add(credit('w', 6_000_000n), start - 2 * HASHRATE_WINDOW_MS);
    expect(statistics.report('v', start)[0]?.workers[0]?.hashrate).toBe(10);
  });

  it('is bounded, and its messages fit the bus whatever the names are', () => {
    const statistics = new WorkerStatistics(start, 1_500);
    const long = 'x'.repeat(250);
    for (let index = 0; index < 1_600; index += 1)
      statistics.add({ identity: long, worker: `${long}${index}`, shares: 1, work: 1n }, start);
    expect(statistics).toMatchObject({ size: 1_500, evicted: 100 });
    const messages = statistics.report('v', start);
    expect(messages.flatMap(({ workers }) => workers)).toHaveLength(1_500);
    expect(messages.reduce((sum, { shares }) => sum + shares, 0n)).toBe(1_600n);
    for (const message of messages) expect(Statistics.encode(message).length).toBeLessThan(MAX_PAYLOAD_BYTES);
  });
});

describe('Validators', () => {
  it('agree on who works what, spread it, and count on nobody who is silent', async () => {
    const bus = await createInProcessBus();
    const clock = new ManualClock();
    const all = ['a', 'b', 'c'].map((instance) => new Validators(instance, { bus, clock }));
    const beat = (some: readonly Validators[]) => {
      for (const one of some) one.beat({ ready: true, incarnations: 0, troubles: [] });
      return new Promise((resolve) => setTimeout(resolve, 10));
    };
    for (const one of all) one.listen();
    await beat(all);
    const owners = Array.from({ length: 300 }, (_, index) => all.filter((one) => one.isOurs(BigInt(index + 1))));
    expect(owners.every((ours) => ours.length === 1)).toBe(true);
    for (const one of all) expect(owners.filter(([owner]) => owner === one).length).toBeGreaterThan(60);
    clock.advance(SILENCE_MS - 1);
    await beat(all.slice(1));
    clock.advance(2);
    expect(all[1]?.present.sort()).toEqual(['b', 'c']);
    const left = all.slice(1);
    for (let index = 1n; index <= 300n; index += 1n) expect(left.filter((one) => one.isOurs(index))).toHaveLength(1);
    all[2]?.beat({ ready: false, incarnations: 0, troubles: [] });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(all[1]?.present).toEqual(['b']);
    for (const one of all) one.close();
    await bus.close();
  });
});
