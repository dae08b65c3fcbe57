// A PodMonitor that a webhook refuses, or that cannot be asked for at all.
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { expect, it } from 'vitest';
import { Children } from '../../src/apply/children.ts';
import { Writer } from '../../src/apply/writer.ts';
import type { ApiRequest, KubernetesClient } from '../../src/kubernetes/client.ts';
import { errorOfStatus, KubernetesError } from '../../src/kubernetes/errors.ts';
import { PodMonitors } from '../../src/reconcilers/pod-monitors.ts';
import { examplePool } from '../defaulted.ts';

const pool = examplePool('regtest');

/** Where applying one comes to this. */
function monitorsWhere(applied: () => unknown) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const request = async ({ method, path }: ApiRequest) => {
    asked.push(method);
    if (path === '/apis/monitoring.coreos.com/v1') return { resources: [{ kind: 'PodMonitor' }] };
    if (method === 'GET') throw errorOfStatus(404, 'there is none yet');
    return applied();
  };
  const { signal } = new AbortController();
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const children = new Children({ writer, caches: new Map(), log: silentLogger(), onForeignFields: () => undefined });
  const monitors = new PodMonitors(clock);
  return { clock, asked, monitors, keep: () => monitors.keep(pool, children) };
}

it.each([400, 403, 422, 500])('is told of where it is refused (%s), and tried again in a while', async (status) => {
  let isRefused = true;
  const { keep, clock, asked } = monitorsWhere(() => {
    if (isRefused) throw errorOfStatus(status, 'admission webhook denied the request');
    return {};
  });
  const fault = { code: 'invalid-child', message: expect.stringContaining('PodMonitor demo-mp: ') };
  expect(await keep()).toMatchObject([fault]);
  const { length } = asked;
  expect(await keep()).toMatchObject([fault]);
  expect(asked).toHaveLength(length);
  isRefused = false;
  clock.advance(60_000);
  expect(await keep()).toEqual([]);
});

it('fails where nothing can be asked for', async () => {
  const { keep } = monitorsWhere(() => {
    throw new KubernetesError('api-unreachable', 'no answer');
  });
  await expect(keep()).rejects.toMatchObject({ code: 'api-unreachable' });
});
