// What a pool's own Bitcoin nodes are made of.
import { describe, expect, it } from 'vitest';
import { bitcoindNodes, nodeCredentials, nodeDisruptionBudget } from '../../src/desired/bitcoind-nodes.ts';
import { asYaml } from '../as-yaml.ts';
import { examplePool } from '../defaulted.ts';

const image = { repository: 'bitcoin/bitcoin', tag: '29.0', digest: '' };
const secrets = new Map([['a', '5d0c27b6-6b0e-4c6b-8a53-90a1f3d6a7e1']]);
const regtest = examplePool('regtest');
const [a] = regtest.spec.nodes;
if (a?.managed === undefined) throw new Error('the example has no managed node');
const { managed } = a;

const two = {
  ...regtest,
  spec: {
    ...regtest.spec,
    network: 'signet' as const,
    nodes: [
      { name: 'a', managed: { ...managed, storage: { ephemeral: false, size: '30Gi', storageClassName: 'slow' } } },
      { name: 'b', managed },
      { name: 'c', rpcURL: 'http://c.example:8332' },
    ],
  },
};
const configs = bitcoindNodes(two, image, secrets).map(
  ({ configMap }) => (configMap.data as { 'bitcoin.conf': string })['bitcoin.conf'],
);

describe('managed nodes', () => {
  it('of the example regtest are as in their golden file', async () => {
    const objects = bitcoindNodes(regtest, image, secrets).flatMap(({ configMap, statefulSet, service }) => [
      ...[configMap, statefulSet, service],
    ]);
    const budget = nodeDisruptionBudget(regtest);
    const text = asYaml([...objects, ...(budget === undefined ? [] : [budget])]);
    await expect(text).toMatchFileSnapshot('../golden/nodes-regtest.yaml');
  });

  it('are none where all nodes are of the user', () => {
    expect(bitcoindNodes(examplePool('production'), image, secrets)).toEqual([]);
    expect(nodeDisruptionBudget(examplePool('production'))).toBe(undefined);
  });

  it('know each other, and keep their chain on the volume that is asked for', () => {
    expect(configs[0]).toContain('addnode=demo-node-b:8333');
    expect(configs[0]).not.toContain('demo-node-a');
    expect(configs[1]).toContain('addnode=demo-node-a:8333');
    expect(bitcoindNodes(two, image, secrets)[0]?.statefulSet).toMatchObject({
      spec: {
        volumeClaimTemplates: [{ spec: { storageClassName: 'slow', resources: { requests: { storage: '30Gi' } } } }],
      },
    });
  });

  it('are bounded together in evictions, not each for itself', () => {
    const templates = bitcoindNodes(two, image, secrets).map(
      ({ statefulSet }) => (statefulSet.spec as { template: { metadata: { labels: object } } }).template,
    );
    const budget = nodeDisruptionBudget(two)?.spec as { selector: { matchLabels: object } };
    expect(templates).toHaveLength(2);
    for (const { metadata } of templates) expect(metadata.labels).toMatchObject(budget.selector.matchLabels);
  });

  it('have their password in no configuration', () => {
    const secret = nodeCredentials(two, { name: 'a' }, { username: 'pool', password: 'pässword', salt: '0a1b' });
    expect(secret.metadata.name).toBe('demo-node-a-rpc');
    const { 'rpcauth.conf': line = '', password } = secret.data as Record<string, string>;
    expect(Buffer.from(password ?? '', 'base64').toString()).toBe('pässword');
    expect(Buffer.from(line, 'base64').toString()).toMatch(/^rpcauth=pool:0a1b\$[0-9a-f]{64}\n$/);
    for (const config of configs) expect(config).not.toMatch(/rpcauth=|password/);
  });
});
