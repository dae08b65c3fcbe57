import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CommitQueue } from '../src/in-process/commit-queue.ts';

describe('commit queue', () => {
  it('acknowledges after the commit alone, and lets what arrives meanwhile share the next', async () => {
    const groups: number[][] = [];
    let finish: () => void = () => undefined;
    const queue = new CommitQueue<number>((items) => {
      groups.push([...items]);
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    const done: number[] = [];
    const add = (item: number) => void queue.add(item).then(() => done.push(item));
    add(1);
    add(2);
    await sleep(1);
    add(3);
    add(4);
    await sleep(1);
    expect([groups, done]).toEqual([[[1, 2]], []]);
    finish();
    await sleep(1);
    expect(done).toEqual([1, 2]);
    expect(groups).toEqual([
      [1, 2],
      [3, 4],
    ]);
    finish();
    await queue.close();
    expect(done).toEqual([1, 2, 3, 4]);
  });

  it('acknowledges nothing any more after one failure', async () => {
    let commits = 0;
    const queue = new CommitQueue<number>(async () => {
      commits++;
      await sleep(1);
      throw new Error('EIO');
    });
    const first = queue.add(1);
    await sleep(0);
    const second = queue.add(2);
    const outcomes = await Promise.allSettled([first, second]);
    const third = await Promise.allSettled([queue.add(3)]);
    const codes = [...outcomes, ...third].map((outcome) => outcome.status === 'rejected' && outcome.reason.code);
    expect(codes).toEqual(['bus-storage-failed', 'bus-storage-failed', 'bus-storage-failed']);
    expect(commits).toBe(1);
  });
});
