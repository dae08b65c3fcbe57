// What the services between the nodes and the gateways are made of.
import { describe, expect, it } from 'vitest';
import type { MiningPool } from '../../src/api/v1alpha1.ts';
import { channelManagers } from '../../src/desired/channel-managers.ts';
import { jobDistributors } from '../../src/desired/job-distributors.ts';
import { shareValidators } from '../../src/desired/share-validators.ts';
import { templateProviders } from '../../src/desired/template-providers.ts';
import { asYaml } from '../as-yaml.ts';
import { examplePool } from '../defaulted.ts';

const image = { repository: 'registry.example/sluice', tag: '1.2.3', digest: '' };
const pool = examplePool('production');

const all = (of: MiningPool, byDefault = image) => [
  channelManagers(of, byDefault),
  jobDistributors(of, byDefault),
  shareValidators(of, byDefault, 3),
  templateProviders(of, byDefault),
];

/** The same pool, and one thing of its spec otherwise. */
function changed(change: (spec: MiningPool['spec']) => unknown): MiningPool {
  const spec = structuredClone(pool.spec);
  change(spec);
  return { ...pool, spec };
}
const templates = (of: MiningPool, byDefault = image) =>
  all(of, byDefault).map(({ controller }) => (controller.spec as { template: object }).template);
const settingsOf = ({ configMap }: ReturnType<typeof channelManagers>) =>
  JSON.parse((configMap.data as { 'config.yaml': string })['config.yaml']);

describe('the services of a pool', () => {
  it.each(['regtest', 'production'])('of the example %s are as in its golden file', async (name) => {
    const manifests = all(examplePool(name)).flatMap(({ configMap, controller, disruptionBudget, services }) => [
      ...[configMap, controller, disruptionBudget],
      ...services,
    ]);
    await expect(asYaml(manifests)).toMatchFileSnapshot(`../golden/pool-services-${name}.yaml`);
  });

  it.each<[string, (spec: MiningPool['spec']) => unknown]>([
    ['numbers of pods', ({ services }) => Object.assign(services.channelManager, { replicas: 9 })],
    ['bounds of scaling', ({ services }) => Object.assign(services.shareValidator, { maxReplicas: 9 })],
    ['gateways', ({ gateways }) => Object.assign(gateways.drain, { timeout: '60s' })],
  ])('are the same pods with other %s', (_what, change) => {
    expect(templates(changed(change))).toEqual(templates(pool));
  });

  it('are the same pods under another operator where the image is pinned', () => {
    const pinned = changed((spec) => Object.assign(spec.image, { digest: `sha256:${'0'.repeat(64)}` }));
    expect(templates(pinned, { ...image, tag: '2.0.0' })).toEqual(templates(pinned));
    expect(templates(pool, { ...image, tag: '2.0.0' })).not.toEqual(templates(pool));
  });

  it('are other pods of the job distributor alone where blocks pay somebody else', () => {
    const other = templates(changed(({ payout }) => payout.outputs.pop()));
    expect(other.map((template, index) => JSON.stringify(template) === JSON.stringify(templates(pool)[index]))).toEqual(
      [...[true, false, true, true]],
    );
  });

  it('are told each node with the folder of its credentials, in order of preference', () => {
    const nodes = [
      { name: 'own', managed: {} },
      { name: 'b', rpcURL: 'http://b.example:8332/', credentialsSecretRef: { name: 'rpc' } },
      { name: 'c', rpcURL: 'http://c.example:8332', zmqURL: 'tcp://c.example:28332' },
    ];
    const manifests = templateProviders(
      changed((spec) => Object.assign(spec, { nodes })),
      image,
    );
    expect(settingsOf(manifests).bitcoind).toEqual([
      'http://main-node-own:8332?credentials=/etc/sluice/nodes/node-own&zmq=tcp://main-node-own:28332',
      'http://b.example:8332?credentials=/etc/sluice/nodes/node-b',
      'http://c.example:8332?zmq=tcp://c.example:28332',
    ]);
    expect(manifests.controller).toMatchObject({
      spec: {
        template: {
          spec: {
            volumes: expect.arrayContaining([
              expect.objectContaining({ secret: expect.objectContaining({ secretName: 'main-node-own-rpc' }) }),
              expect.objectContaining({ secret: expect.objectContaining({ secretName: 'rpc' }) }),
            ]),
          },
        },
      },
    });
  });

  it('hold no password, nor the name of a user, in a configuration', () => {
    for (const { configMap } of all(pool)) expect(JSON.stringify(configMap.data)).not.toMatch(/username|@|secret/i);
  });
});
