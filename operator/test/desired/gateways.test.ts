// What gateways are made of. The golden files are what a release has made: where one changes, every pod of every pool is exchanged.
import { describe, expect, it } from 'vitest';
import type { MiningPool } from '../../src/api/v1alpha1.ts';
import type { FleetManifests } from '../../src/desired/fleet-manifests.ts';
import { gateways } from '../../src/desired/gateways.ts';
import { asYaml } from '../as-yaml.ts';
import { examplePool } from '../defaulted.ts';

const context = {
  image: { repository: 'registry.example/sluice', tag: '1.2.3', digest: '' },
  authorityPublicKey: '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72',
};
const pool = examplePool('production');
const before = gateways(pool, context, 3);

/** The same pool, and one thing of its spec otherwise. */
function changed(change: (spec: MiningPool['spec']) => unknown): FleetManifests {
  const spec = structuredClone(pool.spec);
  change(spec);
  return gateways({ ...pool, spec }, context, 3);
}
const revision = ({ replicaSet }: FleetManifests) => replicaSet.metadata.name;

describe('gateways', () => {
  it.each(['regtest', 'production'])('of the example %s are as in its golden file', async (name) => {
    const { services, configMap, replicaSet, disruptionBudget } = gateways(examplePool(name), context, 2);
    const text = asYaml([configMap, replicaSet, disruptionBudget, ...services]);
    await expect(text).toMatchFileSnapshot(`../golden/gateways-${name}.yaml`);
  });

  it.each<[string, (spec: MiningPool['spec']) => unknown]>([
    ['the image', (spec) => Object.assign(spec.image, { tag: '1.2.4' })],
    ['a setting', (spec) => Object.assign(spec.gateways.drain, { timeout: '100s' })],
    ['what the pods may use', (spec) => Object.assign(spec.gateways.resources, { limits: { memory: '3Gi' } })],
    ['a label of the pods', (spec) => Object.assign(spec.gateways, { podLabels: { team: 'mining' } })],
  ])('are another revision with %s', (_what, change) => {
    expect(revision(changed(change))).not.toBe(revision(before));
  });

  it.each<[string, (spec: MiningPool['spec']) => unknown]>([
    ['number of pods', (spec) => Object.assign(spec.gateways, { replicas: 9 })],
    ['autoscaling', (spec) => Object.assign(spec.gateways.autoscaling, { maxReplicas: 99 })],
    ['rollout', (spec) => Object.assign(spec.gateways.rollout, { partition: 1, minReadySeconds: 60 })],
    ['Service', (spec) => Object.assign(spec.gateways.listeners[0]?.service ?? {}, { type: 'NodePort' })],
    ['number of template providers', (spec) => Object.assign(spec.services.templateProvider, { replicas: 5 })],
    ['size of the bus', (spec) => Object.assign(spec.bus.managed?.storage ?? {}, { size: '200Gi' })],
    ['payout', (spec) => spec.payout.outputs.pop()],
  ])('are the same revision with another %s', (_what, change) => {
    expect(revision(changed(change))).toBe(revision(before));
  });

  it('are the same revision under another operator where the image is pinned', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const spec = { ...pool.spec, image: { ...pool.spec.image, repository: 'mirror.example/sluice', digest } };
    const newer = { ...context, image: { ...context.image, tag: '2.0.0' } };
    expect(revision(gateways({ ...pool, spec }, newer, 3))).toBe(revision(gateways({ ...pool, spec }, context, 3)));
    expect(revision(gateways(pool, newer, 3))).not.toBe(revision(before));
  });

  it('are given new connections by their Services only while they accept', () => {
    const template = before.replicaSet.spec as { template: { metadata: { labels: Record<string, string> } } };
    const [service] = before.services as unknown as [{ spec: { selector: Record<string, string> } }];
    expect(template.template.metadata.labels).toMatchObject(service.spec.selector);
    expect(service.spec.selector).toEqual({
      'mining.sluice.dev/workload': 'main-gw',
      'mining.sluice.dev/accepting': 'true',
    });
  });

  it('hold as many connections of one address as of all, where the nodes hide the addresses of miners', () => {
    const service = (fields: object) =>
      changed((spec) => Object.assign(spec.gateways.listeners[0]?.service ?? {}, fields)).configMap.data;
    const inside = { 'config.yaml': expect.stringContaining('"maxConnectionsPerAddress": 10000') };
    expect(service({ externalTrafficPolicy: 'Cluster' })).toEqual(inside);
    expect(service({ externalTrafficPolicy: 'Local' })).not.toEqual(inside);
    expect(service({ externalTrafficPolicy: 'Cluster', type: 'ClusterIP' })).not.toEqual(inside);
  });

  it('have no label of the user that takes the place of ours', () => {
    const podLabels = { 'mining.sluice.dev/workload': 'other' };
    const { replicaSet } = changed((spec) => Object.assign(spec.gateways, { podLabels }));
    expect(JSON.stringify(replicaSet)).not.toContain('other');
  });
});
