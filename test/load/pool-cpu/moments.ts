// What the processes of a pool have used, and what it has credited, up to a moment.
import type { PoolProcesses } from '../../support/pool-processes.ts';
import { type NamedProcess, sampleOf } from '../measure/server-processes.ts';
import type { CpuMoment } from './figures.ts';

export function processesOf(pool: PoolProcesses): readonly NamedProcess[] {
  const services = pool.services.map(({ name, pid }) => ({ name: name.replace(/-\d+$/, ''), pid: pid ?? 0 }));
  return [...services, { name: 'nats-server', pid: pool.nats.pid ?? 0 }];
}

export async function momentOf(pool: PoolProcesses, processes: readonly NamedProcess[]): Promise<CpuMoment> {
  const { work } = await credited(pool);
  const samples = processes.map((process) => {
    const sample = sampleOf(process);
    if (sample === undefined) throw new Error(`${process.name} has ended`);
    return [process.name, sample] as const;
  });
  return { atMs: performance.now(), samples: new Map(samples), work };
}

/** `shares`: those that were judged. */
export async function credited(pool: PoolProcesses): Promise<{ readonly shares: number; readonly work: number }> {
  const validator = pool.service('share-validator-0');
  const metric = async (name: string) => (await validator.metric(`sluice_share_validator_${name}`)) ?? 0;
  return { shares: await metric('shares_total'), work: await metric('work_hashes_total') };
}
