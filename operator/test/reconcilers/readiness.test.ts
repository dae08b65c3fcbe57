import { describe, expect, it } from 'vitest';
import { configMapsInUse, obsoleteChildren } from '../../src/reconcilers/obsolete.ts';
import { type LiveWorkload, readiness } from '../../src/reconcilers/readiness.ts';

const settled: LiveWorkload = {
  metadata: { name: 'demo-cm', generation: 3 },
  spec: { replicas: 2 },
  status: { observedGeneration: 3, replicas: 2, readyReplicas: 2, updatedReplicas: 2 },
};
const found = (...workloads: LiveWorkload[]) =>
  Object.fromEntries(
    readiness(workloads, []).map(({ type, status, message }) => [type, `${status} ${message}`.trim()]),
  );

describe('readiness', () => {
  it('is there when every workload has its pods, ready and of the newest revision', () => {
    expect(found(settled)).toEqual({ Ready: 'True', Progressing: 'False' });
    expect(found({ ...settled, spec: { replicas: 0 }, status: { observedGeneration: 3 } })).toMatchObject({
      Ready: 'True',
    });
  });

  it.each<[string, Partial<NonNullable<LiveWorkload['status']>>, string]>([
    ['pods that are not ready', { readyReplicas: 1 }, 'False'],
    ['pods of an older revision', { updatedReplicas: 1 }, 'True Pods are being made or exchanged.'],
    ['pods too many', { replicas: 3 }, 'True Pods are being made or exchanged.'],
    ['a change that nobody has looked at', { observedGeneration: 2 }, 'True Pods are being made or exchanged.'],
  ])('is not there with %s', (_, status, progressing) => {
    const { Ready, Progressing } = found(settled, { ...settled, status: { ...settled.status, ...status } });
    expect(Ready).toMatch(/^False demo-cm has \d of 2 pods ready$/);
    expect(Progressing).toBe(progressing);
  });

  it('is not there before the first pod of a new revision, whose count the API server leaves out', () => {
    const status = { observedGeneration: 3, replicas: 2, readyReplicas: 2 };
    expect(found({ ...settled, kind: 'StatefulSet', status }).Progressing).toMatch(/^True/);
    // It is of one revision alone.
    expect(found({ ...settled, kind: 'ReplicaSet', status })).toEqual({ Ready: 'True', Progressing: 'False' });
  });

  it('is not there where something is missing, or cannot be made, and says which', () => {
    const [ready] = readiness([settled], ['demo-gw']);
    expect(ready).toMatchObject({ status: 'False', message: 'demo-gw is being made' });
    const conditions = [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }];
    expect(found({ ...settled, status: { ...settled.status, conditions } }).Ready).toBe(
      'False demo-cm: exceeded quota',
    );
  });
});

describe('obsolete children', () => {
  const child = (kind: string, name: string) => ({ kind, metadata: { name } });
  const set = {
    ...child('ReplicaSet', 'old'),
    spec: { template: { spec: { volumes: [{ configMap: { name: 'in-use' } }, {}] } } },
  };

  it('are those that are not desired, but for revisions of pods and what these need', () => {
    const owned = [
      child('Service', 'kept'),
      child('Service', 'left'),
      child('ConfigMap', 'in-use'),
      child('ConfigMap', 'unused'),
      set,
    ];
    const obsolete = obsoleteChildren(owned, [child('Service', 'kept'), child('ConfigMap', 'left')], () =>
      configMapsInUse([set]),
    );
    expect(obsolete.map(({ metadata }) => metadata.name)).toEqual(['left', 'unused']);
  });

  it('are found without a look at all workloads while no ConfigMap is among them', () => {
    const asked = () => {
      throw new Error('workloads were looked at');
    };
    const owned = [child('Service', 'left'), child('ConfigMap', 'kept'), set];
    const obsolete = obsoleteChildren(owned, [child('ConfigMap', 'kept')], asked);
    expect(obsolete.map(({ metadata }) => metadata.name)).toEqual(['left']);
  });
});
