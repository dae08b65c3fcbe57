import { expect, it } from 'vitest';
import { difference } from '../../src/apply/difference.ts';
import { withPackedTemplate } from '../../src/kubernetes/packed-template.ts';
import type { KubernetesObject } from '../../src/kubernetes/resource.ts';

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'sluice', image: 'a' }] } };
const deployment = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a', namespace: 'mining' } },
  ...{ spec: { replicas: 2, selector: { matchLabels: { app: 'a' } }, template }, status: { replicas: 1 } },
};

it('leaves all of a workload to be read', () => {
  const packed = withPackedTemplate(deployment as KubernetesObject) as typeof deployment;
  expect(packed).toMatchObject(deployment);
  expect(packed.spec.template).toEqual(template);
  expect(difference(deployment, packed)).toBeUndefined();
  const other = structuredClone(deployment);
  Object.assign(other.spec.template.spec.containers[0] ?? {}, { image: 'b' });
  expect(difference(other, packed)).toBe('spec.template.spec.containers.image');
});

it('holds none of the objects that a template is made of', () => {
  const packed = withPackedTemplate(deployment as KubernetesObject) as typeof deployment;
  expect(packed.spec.template).not.toBe(packed.spec.template);
  expect(Object.keys(packed.spec)).toEqual(['replicas', 'selector']);
});

it('leaves what has no template as it is', () => {
  const service = { kind: 'Service', metadata: { name: 'a' }, spec: { ports: [] } };
  expect(withPackedTemplate(service)).toBe(service);
});
