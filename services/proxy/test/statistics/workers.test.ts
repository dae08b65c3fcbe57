import { describe, expect, it } from 'vitest';
import type { WorkerMiner } from '../../src/statistics/worker-statistics.ts';
import { ABSENT_WORKERS_BOUND, Workers } from '../../src/statistics/workers.ts';

const miner = (id: number): WorkerMiner => ({ id, agent: '', difficulty: undefined });
const names = (workers: Workers) => [...workers.all()].map(({ name }) => name);

describe('Workers', () => {
  it('are one over all miners of a name, and stay when these have left', () => {
    const workers = new Workers();
    const [first, second] = [miner(1), miner(2)];
    const worker = workers.join('rig', first, 0);
    expect(workers.join('rig', second, 0)).toBe(worker);
    workers.leave(worker, first);
    workers.leave(worker, second);
    expect(worker.miners.size).toBe(0);
    expect(workers.join('rig', first, 0)).toBe(worker);
    expect(workers.size).toBe(1);
  });

  it('forget those that left first at the bound, and none that has a miner', () => {
    const workers = new Workers();
    const one = miner(1);
    const present = workers.join('present', miner(2), 0);
    for (let index = 0; index < ABSENT_WORKERS_BOUND; index += 1)
      workers.leave(workers.join(`rig-${index}`, one, 0), one);
    // Back and gone again: no longer the first.
    workers.leave(workers.join('rig-0', one, 0), one);
    expect(workers.forgotten).toBe(0);
    workers.leave(workers.join('one more', one, 0), one);
    expect(workers.forgotten).toBe(1);
    expect(workers.size).toBe(ABSENT_WORKERS_BOUND + 1);
    expect(names(workers)).toContain('rig-0');
    expect(names(workers)).not.toContain('rig-1');
    expect([...workers.all()]).toContain(present);
  });
});
