// How a resource goes where nothing can be done for it any more.
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { expect, it } from 'vitest';
import { customKindOf } from '../../src/api/custom-kinds.ts';
import { Children } from '../../src/apply/children.ts';
import { Writer } from '../../src/apply/writer.ts';
import { FINALIZER } from '../../src/control/finalizer.ts';
import { Lifecycle } from '../../src/control/lifecycle.ts';
import type { CustomResource } from '../../src/control/reconciler.ts';
import { EventRecorder } from '../../src/events/event-recorder.ts';
import type { ApiRequest, KubernetesClient } from '../../src/kubernetes/client.ts';
import { errorOfStatus } from '../../src/kubernetes/errors.ts';
import { ObjectCache } from '../../src/kubernetes/object-cache.ts';
import { StatusWriter } from '../../src/status/status-writer.ts';
import { examplePool } from '../defaulted.ts';

const pool = examplePool('regtest');
const key = `mining/${pool.metadata.name}`;

/** The end of a resource in a namespace that goes, or of which this becomes known. */
async function endOf(
  finalizers: readonly string[],
  namespace = async (): Promise<object> => ({ status: { phase: 'Terminating' } }),
) {
  const done: string[] = [];
  const request = async ({ method }: ApiRequest) => {
    if (method === 'GET') return namespace();
    done.push(method);
    return {};
  };
  const signal = new AbortController().signal;
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const modules = { writer, clock: new ManualClock(), log: silentLogger() };
  const cache = new ObjectCache<CustomResource>();
  const metadata = { ...pool.metadata, finalizers, deletionTimestamp: new Date(modules.clock.now()).toISOString() };
  cache.put({ ...pool, metadata } as unknown as CustomResource);
  const lifecycle = new Lifecycle({
    ...{ ...modules, cache, resource: customKindOf(pool) },
    children: new Children({ ...modules, caches: new Map(), onForeignFields: () => undefined }),
    statusWriter: new StatusWriter(modules),
    events: new EventRecorder({ ...modules, identity: 'test' }),
    reconciler: {
      reconcile: async () => ({ findings: [] }),
      finalize: async () => void done.push('finalize'),
      forget: (uid) => void done.push(`forget ${uid}`),
    },
  });
  expect(await lifecycle.reconcile(key, signal)).toEqual({});
  return done;
}

it('is let go with its namespace, and nothing is kept of it', async () => {
  expect(await endOf([FINALIZER])).toEqual(['PATCH', `forget ${pool.metadata.uid}`]);
});

it('is forgotten where somebody else has taken the finalizer off', async () => {
  expect(await endOf(['example.com/other'])).toEqual([`forget ${pool.metadata.uid}`]);
});

it.each([401, 403])(
  'has all done for it that it says where the operator may not see its namespace (%s)',
  async (status) => {
    const refuse = async () => {
      throw errorOfStatus(status, 'not for you');
    };
    expect(await endOf([FINALIZER], refuse)).toEqual(['finalize', 'PATCH', `forget ${pool.metadata.uid}`]);
  },
);
