// Miners with a channel of their own, on upstreams that a test plays.
import { describe, expect, it } from 'vitest';
import type { FarmMiner } from '../../src/miners/farm-miner.ts';
import { RETRY_MS } from '../../src/miners/own-channel.ts';
import { UpstreamError, type UpstreamErrorCode } from '../../src/upstream/errors.ts';
import type { MinerOfChannel } from '../../src/upstream/session.ts';
import type { ChannelListener, UpstreamChannel } from '../../src/upstream/upstream-channel.ts';
import type { UpstreamWork } from '../../src/upstream/upstream-work.ts';
import { TIME } from '../upstream/told-work.ts';
import { FakeFarm, FakeUpstream } from './fake-farm.ts';

/** What a miner was to have. */
interface Asked {
  readonly place: number;
  readonly miner: MinerOfChannel;
  readonly listener: ChannelListener;
  /** Where shares of its jobs go. */
  readonly link: FakeUpstream;
  isLeft: boolean;
}

function site() {
  const asked: Asked[] = [];
  const common = [new FakeUpstream(), new FakeUpstream()] as const;
  let hasChannels = true;
  const fake = new FakeFarm({}, (place, miner, listener) => {
    if (!hasChannels) return undefined;
    const one: Asked = { place, miner, listener, link: new FakeUpstream(), isLeft: false };
    asked.push(one);
    const leave = () => {
      one.isLeft = true;
    };
    return { leave } as UpstreamChannel;
  });
  fake.farm.use([{ place: 0, weight: 1, work: common[0].work(1, 0xa1) }]);
  const prefixed = ({ link }: Asked, jobId: number, block: number, prefix: number): UpstreamWork =>
    link.work(jobId, block, { coinbasePrefix: Uint8Array.of(1, 2, prefix) });
  const close = (one: Asked | undefined, code: UpstreamErrorCode) => {
    if (one !== undefined) one.link.isOpen = false;
    one?.listener.onClosed(new UpstreamError(code, 'said the pool'));
  };
  const first = () => [...fake.farm.all()][0] as FarmMiner;
  const without = () => {
    hasChannels = false;
  };
  return { fake, common, asked, prefixed, close, first, without };
}

describe('a channel of a miner', () => {
  it('is asked for with its worker, and has the miner work on that of the farm until it has work, and on the same tip go on from there', () => {
    const { fake, common, asked, prefixed, first } = site();
    const silent = fake.open();
    const miner = fake.join('farm.rig-1');
    fake.pass(2);
    expect(asked.map(({ place, miner: { name } }) => [place, name])).toEqual([[0, 'rig-1']]);
    expect(silent.jobs).toEqual([]);
    const before = miner.job;
    asked[0]?.listener.onWork(prefixed(asked[0], 7, 0xa1, 9));
    expect(miner.jobs.at(-1)).toMatchObject({ clean: false });
    expect([...miner.job.coinbasePrefix.slice(0, 3)]).toEqual([1, 2, 9]);
    expect([first().ownChannel?.isUsed, [...fake.farm.all()][1]?.ownChannel?.isUsed]).toEqual([false, true]);
    miner.forwarded(before);
    miner.forwarded();
    expect([common[0].shares.length, asked[0]?.link.shares.length]).toEqual([1, 1]);
    expect(asked[0]?.miner.hashrate()).toBeGreaterThan(0);
  });

  it('is all that its miner hears of, and no other does', () => {
    const { fake, common, asked, prefixed } = site();
    const [miner, other] = [fake.join('farm.rig-1'), fake.join('farm.rig-2')];
    asked[0]?.listener.onWork(prefixed(asked[0], 1, 0xa1, 9));
    const jobs = [miner.jobs.length, other.jobs.length];
    fake.farm.setWork(0, common[0].work(2, 0xa2));
    expect([miner.jobs.length, other.jobs.length]).toEqual([jobs[0], (jobs[1] ?? 0) + 1]);
    asked[0]?.listener.onWork(prefixed(asked[0] as Asked, 2, 0xa2, 9));
    expect(miner.jobs.at(-1)?.clean).toBe(true);
    expect([miner.jobs.length, other.jobs.length]).toEqual([(jobs[0] ?? 0) + 1, (jobs[1] ?? 0) + 1]);
  });

  it('may have told an earlier smallest time than that of the farm, and the other way round: no share is refused for it', () => {
    const { fake, common, asked, prefixed, close } = site();
    fake.farm.setWork(0, common[0].work(2, 0xa1, { minNtime: TIME + 20 }));
    const miner = fake.join('farm.rig-1');
    expect(miner.job.ntime).toBe(TIME + 20);
    asked[0]?.listener.onWork(prefixed(asked[0], 1, 0xa1, 9));
    expect(miner.job.ntime).toBeGreaterThanOrEqual(TIME + 20);
    expect(miner.kept()).toBe('');
    asked[0]?.listener.onWork({ ...prefixed(asked[0] as Asked, 2, 0xa2, 9), minNtime: TIME + 50 });
    fake.farm.setWork(0, common[0].work(3, 0xa2, { minNtime: TIME + 40 }));
    close(asked[0], 'upstream-channel-closed');
    fake.pass(2);
    expect(miner.jobs.at(-1)?.clean).toBe(true);
    expect(miner.kept()).toBe('');
  });

  it('gives its miner another difficulty with its own job again', () => {
    const { fake, asked, prefixed } = site();
    const miner = fake.join('farm.rig-1');
    asked[0]?.listener.onWork(prefixed(asked[0], 1, 0xa1, 9));
    const before = miner.job;
    for (let share = 0; share < 12; share += 1) miner.kept();
    fake.pass(3);
    expect(miner.targets.length).toBeGreaterThan(1);
    expect(miner.job).toMatchObject({ coinbasePrefix: before.coinbasePrefix });
    expect(miner.job.id).toBeGreaterThan(before.id);
  });

  it.each<UpstreamErrorCode>(['upstream-channel-refused', 'upstream-channel-closed', 'upstream-extranonce-too-small'])(
    'that is no more (%s) leaves its miner on that of the farm, and is asked for again later',
    (code) => {
      const { fake, common, asked, prefixed, close, first } = site();
      const miner = fake.join('farm.rig-1');
      if (code === 'upstream-channel-closed') asked[0]?.listener.onWork(prefixed(asked[0], 1, 0xa1, 9));
      close(asked[0], code);
      fake.pass(2);
      expect(first().ownChannel?.refusal?.message).toBe('said the pool');
      expect([...miner.job.coinbasePrefix.slice(0, 3)]).not.toEqual([1, 2, 9]);
      miner.forwarded();
      expect(common[0].shares).toHaveLength(1);
      fake.pass(RETRY_MS / 1_000 - 3);
      expect(asked).toHaveLength(1);
      fake.pass(2);
      expect(asked).toHaveLength(2);
      asked[1]?.listener.onWork(prefixed(asked[1], 1, 0xa1, 8));
      expect(first().ownChannel?.refusal).toBeUndefined();
      expect(fake.counters).toMatchObject({ minerChannelsAsked: 2, minerChannelsRefused: 1 });
    },
  );

  it('is asked for ever more rarely while it is refused', () => {
    const { fake, asked, close } = site();
    fake.join('farm.rig-1');
    const waits: number[] = [];
    for (let times = 1; times <= 6; times += 1) {
      close(asked.at(-1), 'upstream-channel-refused');
      let seconds = 0;
      while (asked.length === times) {
        fake.pass(10);
        seconds += 10;
      }
      waits.push(Math.round((seconds * 1_000) / RETRY_MS));
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 16]);
  });

  it('is left for one of the next upstream, whose common work comes at once', () => {
    const { fake, common, asked, prefixed, close } = site();
    const miner = fake.join('farm.rig-1');
    asked[0]?.listener.onWork(prefixed(asked[0], 1, 0xa1, 9));
    common[0].isOpen = false;
    close(asked[0], 'upstream-connection-closed');
    expect(miner.kept()).toBe('share-not-stored');
    fake.farm.use([{ place: 1, weight: 1, work: common[1].work(5, 0xa1) }]);
    expect(miner.jobs.at(-1)?.clean).toBe(true);
    expect(asked.map(({ place }) => place)).toEqual([0, 1]);
    miner.forwarded();
    expect(common[1].shares).toHaveLength(1);
    asked[1]?.listener.onWork(prefixed(asked[1], 6, 0xa1, 8));
    // What comes late of the first is nobody's.
    asked[0]?.listener.onWork(prefixed(asked[0], 2, 0xa2, 9));
    expect([...miner.job.coinbasePrefix.slice(0, 3)]).toEqual([1, 2, 8]);
    fake.farm.use([{ place: 0, weight: 1, work: common[0].work(2, 0xa1) }]);
    expect(asked.map(({ place, isLeft }) => [place, isLeft])).toEqual([
      [0, false],
      [1, true],
      [0, false],
    ]);
  });

  it('is not there on an upstream that has none, and left with its miner', () => {
    const { fake, asked, prefixed, without } = site();
    const miner = fake.join('farm.rig-1');
    without();
    const other = fake.join('farm.rig-2');
    fake.pass(2);
    expect(asked).toHaveLength(1);
    expect(other.kept()).toBe('');
    asked[0]?.listener.onWork(prefixed(asked[0], 1, 0xa1, 9));
    miner.miner.close();
    expect(asked[0]?.isLeft).toBe(true);
    expect(fake.farm.minersOf(0)).toBe(1);
  });
});
