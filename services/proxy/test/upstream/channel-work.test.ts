import { targetToBytes } from '@sluice/bitcoin/target';
import { describe, expect, it } from 'vitest';
import { ChannelWork, FUTURE_JOBS_BOUND } from '../../src/upstream/channel-work.ts';
import { CHANNEL, EXTRANONCE_SIZE, GROUP, newJob, newTip, opened, PREFIX, TIME } from './told-work.ts';

const link = { isOpen: true, submit: () => undefined };
const open = () => new ChannelWork(link, opened());

describe('ChannelWork', () => {
  it('has work when a tip names a future job, with the extranonce prefix at the end of its coinbase prefix', () => {
    const channel = open();
    expect(channel.addJob(newJob(1))).toBeUndefined();
    expect(channel.work).toBeUndefined();
    expect(channel.setNewPrevHash(newTip(1, 0xa1))).toBeUndefined();
    expect(channel.work).toMatchObject({ jobId: 1, minNtime: TIME, extranonceSize: EXTRANONCE_SIZE });
    expect(channel.work?.prevHash).toEqual(new Uint8Array(32).fill(0xa1));
    expect(channel.work?.target.value).toBe(1n << 250n);
    const prefix = Buffer.from(channel.work?.coinbasePrefix ?? []);
    expect(prefix.equals(Buffer.concat([newJob(1).coinbaseTxPrefix, PREFIX]))).toBe(true);
  });

  it('takes an active job on the tip that it has', () => {
    const channel = open();
    expect(channel.addJob(newJob(1, { minNtime: TIME }))).toBe('an active job before any tip');
    channel.addJob(newJob(1));
    channel.setNewPrevHash(newTip(1, 0xa1));
    expect(channel.addJob(newJob(2, { minNtime: TIME + 5 }))).toBeUndefined();
    expect(channel.work).toMatchObject({ jobId: 2, minNtime: TIME + 5 });
    expect(channel.work?.prevHash[0]).toBe(0xa1);
  });

  it('keeps the bytes of a job that is told again once', () => {
    const channel = open();
    const merklePath = [new Uint8Array(32).fill(1)];
    channel.addJob(newJob(1, { merklePath }));
    channel.setNewPrevHash(newTip(1, 0xa1));
    const first = channel.work;
    const again = { merklePath: merklePath.map((hash) => Uint8Array.from(hash)), minNtime: TIME };
    const { coinbaseTxSuffix } = newJob(2);
    channel.addJob(newJob(2, { ...again, coinbaseTxSuffix: Uint8Array.from(coinbaseTxSuffix) }));
    expect(channel.work?.jobId).toBe(2);
    for (const name of ['coinbasePrefix', 'coinbaseSuffix', 'merklePath'] as const)
      expect(channel.work?.[name]).toBe(first?.[name]);
    channel.addJob(newJob(3, { ...again, merklePath: [new Uint8Array(32).fill(2)] }));
    expect(channel.work?.merklePath[0]?.[0]).toBe(2);
  });

  it('voids every future job but the one that a tip names', () => {
    const channel = open();
    channel.addJob(newJob(1));
    channel.addJob(newJob(2));
    expect(channel.setNewPrevHash(newTip(1, 0xa1))).toBeUndefined();
    expect(channel.setNewPrevHash(newTip(2, 0xa2))).toBe('names a future job that was not sent');
  });

  it('has a target and a prefix hold for jobs that come later, and a target for future jobs as well', () => {
    const channel = open();
    channel.addJob(newJob(1));
    channel.setTarget(targetToBytes(5n));
    channel.setExtranoncePrefix(Uint8Array.of(1, 2, 3));
    channel.setNewPrevHash(newTip(1, 0xa1));
    expect(channel.work?.target.value).toBe(5n);
    expect([...(channel.work?.coinbasePrefix.slice(-3) ?? [])]).toEqual([...PREFIX]);
    channel.setTarget(targetToBytes(6n));
    expect(channel.work?.target.value).toBe(5n);
    channel.addJob(newJob(2, { minNtime: TIME }));
    expect(channel.work?.target.value).toBe(6n);
    expect([...(channel.work?.coinbasePrefix.slice(-3) ?? [])]).toEqual([1, 2, 3]);
  });

  it('knows which messages are meant for it, also when its group changes', () => {
    const channel = open();
    expect([CHANNEL, GROUP, 2].map((id) => channel.isMeant(id))).toEqual([true, true, false]);
    channel.groupId = 2;
    expect([CHANNEL, GROUP, 2].map((id) => channel.isMeant(id))).toEqual([true, false, true]);
  });

  it('keeps as many future jobs as it may, and the newest of them', () => {
    const channel = open();
    for (let jobId = 0; jobId <= FUTURE_JOBS_BOUND; jobId += 1) channel.addJob(newJob(jobId));
    const copy = open();
    for (let jobId = 0; jobId <= FUTURE_JOBS_BOUND; jobId += 1) copy.addJob(newJob(jobId));
    expect(channel.setNewPrevHash(newTip(0, 1))).toBe('names a future job that was not sent');
    expect(copy.setNewPrevHash(newTip(1, 1))).toBeUndefined();
  });

  it('finds what no miner could work on', () => {
    const channel = open();
    channel.addJob(newJob(1));
    expect(channel.setNewPrevHash(newTip(1, 1, { nbits: 0x2200_ffff }))).toBe('nbits is no target');
    expect(channel.work).toBeUndefined();
    const huge = { coinbaseTxPrefix: new Uint8Array(60_000), coinbaseTxSuffix: new Uint8Array(60_000) };
    expect(channel.addJob(newJob(2, huge))).toBe('a coinbase that no miner could hash');
  });
});
