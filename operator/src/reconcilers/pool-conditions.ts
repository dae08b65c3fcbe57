// Whether a pool has a bus and work, from the pods that bring them: they are ready for as long as they do.
import type { MiningPool } from '../api/v1alpha1.ts';
import type { Finding } from '../status/conditions.ts';
import type { LiveWorkload } from './readiness.ts';

/** What is known of a pool's workloads. */
export interface PoolWorkloads {
  /** By what its name has behind the pool's. */
  readonly live: (infix: string) => LiveWorkload | undefined;
  /** Why its pods wait for their volumes. */
  readonly pendingStorage: (infix: string) => string | undefined;
}

export function busReady({ spec }: MiningPool, { live, pendingStorage }: PoolWorkloads): Finding {
  const type = 'BusReady';
  const { managed } = spec.bus;
  // Services are ready only while they have a connection to the bus.
  if (managed === undefined) {
    const ready = readyPods(live('cm'));
    return ready > 0
      ? { type, status: 'True', reason: 'ServicesConnected', message: '' }
      : { type, status: 'False', reason: 'ServicesNotConnected', message: 'No channel manager is ready.' };
  }
  const pending = pendingStorage('nats');
  if (pending !== undefined) return { type, status: 'False', reason: 'StoragePending', message: pending };
  const ready = readyPods(live('nats'));
  // Streams are written by most of the servers.
  if (ready > managed.replicas / 2) return { type, status: 'True', reason: 'ServersReady', message: '' };
  const message = `${ready} of ${managed.replicas} NATS servers are ready.`;
  return { type, status: 'False', reason: 'ServersNotReady', message };
}

export function templatesFresh({ spec }: MiningPool, { live, pendingStorage }: PoolWorkloads): Finding {
  const type = 'TemplatesFresh';
  // A provider is ready only while a node gives it work.
  if (readyPods(live('tp')) > 0) return { type, status: 'True', reason: 'ProvidersReady', message: '' };
  for (const { name } of spec.nodes) {
    const pending = pendingStorage(`node-${name}`);
    if (pending !== undefined) return { type, status: 'False', reason: 'StoragePending', message: pending };
  }
  return { type, status: 'False', reason: 'ProvidersNotReady', message: 'No template provider is ready.' };
}

const readyPods = (workload: LiveWorkload | undefined): number => workload?.status?.readyReplicas ?? 0;
