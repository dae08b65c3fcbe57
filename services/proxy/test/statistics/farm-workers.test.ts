// What a farm of hashing miners has counted of its workers.
import { difficultyOfTarget, targetFromBytes } from '@sluice/bitcoin/target';
import { describe, expect, it } from 'vitest';
import { FakeFarm, FakeUpstream, UPSTREAM_TARGET } from '../miners/fake-farm.ts';

function site() {
  const farm = new FakeFarm();
  const upstream = new FakeUpstream();
  farm.farm.setWork(0, upstream.work(1, 0xa1));
  const worker = (name: string) => {
    const found = [...farm.workers.all()].find((one) => one.name === name);
    if (found === undefined) throw new Error(`nobody knows ${name}`);
    return found;
  };
  return { farm, upstream, worker };
}

describe('the workers of a farm', () => {
  it('have the good shares of all their miners, with work, best and last', () => {
    const { farm, worker } = site();
    const [first, second] = [farm.join('farm.rig-1'), farm.join('other.rig-1')];
    expect(first.kept()).toBe('');
    farm.pass(2);
    second.forwarded();
    const { sharesAccepted, work, bestHash, lastShareMs, miners } = worker('rig-1');
    expect({ sharesAccepted, work, lastShareMs, miners: miners.size }).toEqual({
      ...{ sharesAccepted: 2, work: 128, lastShareMs: farm.clock.monotonic(), miners: 2 },
    });
    // That of the second: a share for the upstream.
    expect(targetFromBytes(bestHash ?? new Uint8Array(32).fill(0xff))).toBeLessThanOrEqual(UPSTREAM_TARGET);
    expect(worker('rig-1').hashrate(farm.clock.monotonic())).toBeCloseTo(128 / 30);
    expect([...miners][0]?.difficulty).toBe(difficultyOfTarget(first.target));
  });

  it('have what was refused here by code, and apart from it what an upstream refused, in time or late', () => {
    const { farm, upstream, worker } = site();
    const miner = farm.join('farm.rig-1');
    const share = miner.find(miner.job, { meets: miner.target, misses: UPSTREAM_TARGET });
    miner.submit(share);
    miner.submit(share);
    miner.submit(share, { jobId: 99 });
    miner.miner.refusedForm('bad-extranonce-size');
    miner.forwarded();
    miner.forwarded();
    upstream.shares[0]?.owner?.answered(upstream.shares[0].request, 'stale-share');
    upstream.shares[1]?.owner?.refusedLate('invalid-share');
    upstream.isOpen = false;
    expect(miner.kept()).toBe('share-not-stored');
    const { sharesAccepted, refusedByCode, upstreamRefusedByCode } = worker('rig-1');
    expect(sharesAccepted).toBe(3);
    expect(refusedByCode).toEqual({
      ...{ 'duplicate-share': 1, 'invalid-job-id': 1, 'share-not-stored': 1, 'bad-extranonce-size': 1 },
    });
    expect(upstreamRefusedByCode).toEqual({ 'stale-share': 1, 'invalid-share': 1 });
    const [client] = farm.farm.all();
    expect(client?.shares).toMatchObject({ accepted: 3, refused: 4 });
  });

  it('are left by a miner that takes another name or goes, and keep what they have', () => {
    const { farm, upstream, worker } = site();
    const miner = farm.join('farm.rig-1');
    miner.forwarded();
    miner.miner.authorize('farm.rig-2');
    miner.kept();
    expect([worker('rig-1').miners.size, worker('rig-2').miners.size]).toEqual([0, 1]);
    miner.forwarded();
    miner.miner.close();
    // The last word of the upstream comes when the miner is gone.
    upstream.shares[1]?.owner?.answered(upstream.shares[1].request, 'stale-share');
    expect([worker('rig-1').sharesAccepted, worker('rig-2').sharesAccepted]).toEqual([1, 2]);
    expect(worker('rig-2').miners.size).toBe(0);
    expect(worker('rig-2').upstreamRefusedByCode).toEqual({ 'stale-share': 1 });
  });
});
