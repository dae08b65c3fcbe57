import { describe, expect, it } from 'vitest';
import { ClientChannel, MAX_FUTURE_JOBS } from '../src/channel.ts';
import { extendedJob, filled, MIN_NTIME, newTip, standardJob } from './fake-pool.ts';

const NOW = 1_700_000_100_000;
const open = (kind: 'standard' | 'extended' = 'extended') =>
  new ClientChannel({
    ...{ kind, channelId: 2, groupChannelId: 1, target: filled(0xff), extranonceSize: kind === 'standard' ? 0 : 12 },
    extranoncePrefix: filled(3, 8),
  });

describe('ClientChannel', () => {
  it('works on a future job from its tip on, with ntime and time of that tip', () => {
    const channel = open();
    expect(channel.addExtendedJob(extendedJob(2, 7), NOW)).toBe(true);
    expect([channel.work, channel.futureJobs]).toEqual([undefined, [7]]);
    expect(channel.setNewPrevHash(newTip(2, 7), NOW + 5)).toBe(true);
    const { work } = channel;
    expect([work?.job.jobId, work?.minNtime, work?.since]).toEqual([7, MIN_NTIME, NOW + 5]);
    expect(work?.tip).toEqual({ prevHash: filled(0x77), nbits: 0x1d00ffff });
  });

  it('works on an active job at once, on the tip that it has', () => {
    const channel = open('standard');
    channel.addStandardJob(standardJob(2, 1), NOW);
    channel.setNewPrevHash(newTip(2, 1), NOW);
    expect(channel.addStandardJob(standardJob(2, 9, MIN_NTIME + 30), NOW + 1)).toBe(true);
    const { work } = channel;
    expect([work?.job.jobId, work?.minNtime, work?.tip.nbits]).toEqual([9, MIN_NTIME + 30, 0x1d00ffff]);
  });

  it('has no work for an active job before any tip', () => {
    const channel = open('standard');
    expect(channel.addStandardJob(standardJob(2, 1, MIN_NTIME), NOW)).toBe(false);
    expect(channel.work).toBeUndefined();
  });

  it('voids every other job with a tip', () => {
    const channel = open();
    for (const jobId of [1, 2, 3]) channel.addExtendedJob(extendedJob(2, jobId), NOW);
    channel.setNewPrevHash(newTip(2, 2), NOW);
    expect(channel.futureJobs).toEqual([]);
    expect(channel.setNewPrevHash(newTip(2, 3), NOW)).toBe(false);
    expect(channel.work).toBeUndefined();
  });

  it('keeps the target of an active job, and takes the last one for a future job at its activation', () => {
    const channel = open();
    channel.addExtendedJob(extendedJob(2, 1), NOW);
    channel.setNewPrevHash(newTip(2, 1), NOW);
    channel.addExtendedJob(extendedJob(2, 2), NOW);
    channel.target = filled(0x0f);
    expect(channel.work?.target).toEqual(filled(0xff));
    channel.target = filled(0x07);
    channel.setNewPrevHash(newTip(2, 2), NOW);
    expect(channel.work?.target).toEqual(filled(0x07));
    channel.target = filled(0x03);
    channel.addExtendedJob(extendedJob(2, 3, MIN_NTIME), NOW);
    expect(channel.work?.target).toEqual(filled(0x03));
  });

  it('uses another extranonce prefix for jobs that come later only', () => {
    const channel = open();
    channel.addExtendedJob(extendedJob(2, 1), NOW);
    channel.setExtranoncePrefix(filled(9, 8));
    channel.addExtendedJob(extendedJob(2, 2, undefined), NOW);
    channel.setNewPrevHash(newTip(2, 1), NOW);
    expect(channel.work?.job.source).toMatchObject({ extranoncePrefix: filled(3, 8) });
    channel.addExtendedJob(extendedJob(2, 3, MIN_NTIME), NOW);
    expect(channel.work?.job.source).toMatchObject({ extranoncePrefix: filled(9, 8) });
  });

  it('holds a bounded number of future jobs, the newest', () => {
    const channel = open();
    for (let jobId = 1; jobId <= MAX_FUTURE_JOBS + 5; jobId++) channel.addExtendedJob(extendedJob(2, jobId), NOW);
    expect(channel.futureJobs).toHaveLength(MAX_FUTURE_JOBS);
    expect(channel.futureJobs[0]).toBe(6);
  });

  it('counts its shares from 1', () => {
    const channel = open();
    expect([channel.nextSequenceNumber(), channel.nextSequenceNumber()]).toEqual([1, 2]);
  });
});
