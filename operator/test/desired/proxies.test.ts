// What proxies are made of. The golden files are what a release has made: where one changes, every pod of every fleet is exchanged.
import { describe, expect, it } from 'vitest';
import type { ProxyFleet } from '../../src/api/v1alpha1.ts';
import { type ProxyContext, proxies } from '../../src/desired/proxies.ts';
import { poolAddress } from '../../src/desired/upstream-access.ts';
import { asYaml } from '../as-yaml.ts';
import { examplePool, exampleProxyFleet } from '../defaulted.ts';

const KEY = '9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72';
const pool = examplePool('production');
const context: ProxyContext = {
  image: { repository: 'registry.example/sluice', tag: '1.2.3', digest: '' },
  authorityPublicKey: KEY,
  resolvePool: (name) => (name === pool.metadata.name ? poolAddress(pool, KEY) : undefined),
};

function made(fleet: ProxyFleet, given: Partial<ProxyContext> = {}) {
  const manifests = proxies(fleet, { ...context, ...given }, 2);
  if (manifests === undefined) throw new Error('no proxies are made');
  return manifests;
}
/** The example, and something of its spec otherwise. */
const changed = (name: string, fields: object): ProxyFleet => {
  const fleet = exampleProxyFleet(name);
  return { ...fleet, spec: { ...fleet.spec, ...fields } };
};
const settingsOf = (fleet: ProxyFleet) =>
  JSON.parse((made(fleet).configMap.data as { 'config.yaml': string })['config.yaml']);
const revision = (fleet: ProxyFleet) => made(fleet).replicaSet.metadata.name;

describe('proxies', () => {
  it.each(['farm', 'farm-by-tls', 'farm-on-own-pool'])(
    'of the example %s are as in their golden file',
    async (name) => {
      const { configMap, replicaSet, disruptionBudget, services } = made(exampleProxyFleet(name));
      const text = asYaml([configMap, replicaSet, disruptionBudget, ...services]);
      await expect(text).toMatchFileSnapshot(`../golden/proxies-${name}.yaml`);
    },
  );

  it('are told their upstreams in order, with account and weight, and passwords by file', () => {
    const upstreams = [
      {
        name: 'b',
        url: 'stratum+ssl://b.example:443',
        identity: 'a,c:@',
        credentialsSecretRef: { name: 's', key: 'k' },
      },
      { name: 'own', poolRef: { name: 'main' }, weight: 7 },
      { name: 'later', poolRef: { name: 'nowhere' } },
      { name: 'c', url: `stratum2+tcp://c.example:3333/${KEY}`, identity: 'acct', weight: 3 },
    ];
    const fleet = changed('farm', { upstreams });
    expect(settingsOf(fleet).upstream).toEqual([
      'stratum+ssl://a%2Cc%3A%40@b.example:443?passwordFile=/etc/sluice/upstreams/b/k',
      `stratum2+tcp://main-gw-sv2:3336/${KEY}?identity=farm&weight=7`,
      `stratum2+tcp://c.example:3333/${KEY}?identity=acct&weight=3`,
    ]);
    expect(JSON.stringify(made(fleet).replicaSet)).toContain('"secretName":"s"');
    expect(settingsOf(fleet).upstream).not.toEqual(
      settingsOf(changed('farm', { upstreams: upstreams.toReversed() })).upstream,
    );
  });

  it('have a certificate authority for pools by TLS as a file', () => {
    const fleet = changed('farm', { upstreamCASecretRef: { name: 'authority', key: 'ca.crt' } });
    expect(settingsOf(fleet).upstreamCaFile).toBe('/etc/sluice/upstream-ca/ca.crt');
    const text = JSON.stringify(made(fleet).replicaSet);
    expect(text).toContain('{"name":"authority","mountPath":"/etc/sluice/upstream-ca","readOnly":true}');
    expect(text).toContain('"secretName":"authority"');
  });

  it('have one certificate for all ports by TLS, and nothing of it without one', () => {
    const { proxies: fleet } = exampleProxyFleet('farm-by-tls').spec;
    const [plain, tls] = fleet.listeners;
    const twice = changed('farm-by-tls', {
      proxies: { ...fleet, listeners: [tls, { ...tls, name: 'b', port: 34_257 }] },
    });
    expect(settingsOf(twice)).toMatchObject({ listen: [], listenTls: ['0.0.0.0:34256', '0.0.0.0:34257'] });
    expect(JSON.stringify(made(twice).replicaSet).match(/"secretName":"hall-4-tls"/g)).toHaveLength(1);
    const without = changed('farm-by-tls', { proxies: { ...fleet, listeners: [plain] } });
    expect(settingsOf(without)).not.toHaveProperty('listenTls');
    expect(JSON.stringify(made(without))).not.toContain('tls');
  });

  it('know the load balancers in front, and then each miner by its own address', () => {
    const farm = exampleProxyFleet('farm');
    const [listener] = farm.spec.proxies.listeners;
    const service = { ...listener?.service, type: 'LoadBalancer', externalTrafficPolicy: 'Cluster' };
    const behind = (proxyProtocolFrom: readonly string[]) =>
      settingsOf(
        changed('farm', {
          proxies: { ...farm.spec.proxies, listeners: [{ ...listener, service }], proxyProtocolFrom },
        }),
      );
    expect(behind([])).toMatchObject({ maxConnectionsPerAddress: 10_000 });
    expect(behind([])).not.toHaveProperty('proxyProtocolFrom');
    expect(behind(['10.0.0.0/8'])).toMatchObject({ proxyProtocolFrom: ['10.0.0.0/8'] });
    expect(behind(['10.0.0.0/8'])).not.toHaveProperty('maxConnectionsPerAddress');
  });

  it('are made when there is an upstream, and a key for miners of Stratum V2', () => {
    const own = exampleProxyFleet('farm-on-own-pool');
    expect(proxies(own, { ...context, resolvePool: () => undefined }, 2)).toBe(undefined);
    expect(proxies(own, { ...context, authorityPublicKey: undefined }, 2)).toBe(undefined);
    expect(proxies(exampleProxyFleet('farm'), { ...context, authorityPublicKey: undefined }, 2)).toBeDefined();
  });

  it('name devices or the farm', () => {
    expect(settingsOf(exampleProxyFleet('farm'))).toMatchObject({
      ...{ channels: 'per-miner', workerIdentity: '{account}.{worker}' },
    });
    const aggregated = settingsOf(changed('farm', { identity: { mode: 'Aggregated', template: '{account}' } }));
    expect(aggregated.channels).toBe('aggregated');
    expect(aggregated).not.toHaveProperty('workerIdentity');
  });

  it('are the same pods with another number of them, and others with another upstream', () => {
    const farm = exampleProxyFleet('farm');
    expect(revision(changed('farm', { proxies: { ...farm.spec.proxies, replicas: 9 } }))).toBe(revision(farm));
    expect(revision(changed('farm', { upstreams: farm.spec.upstreams.slice(1) }))).not.toBe(revision(farm));
  });

  it('and a pool of the same name take nothing from each other', () => {
    const twin = { ...exampleProxyFleet('farm'), metadata: pool.metadata };
    const names = made(twin).services.map(({ metadata }) => metadata.name);
    expect(names).toEqual(['main-px-sv1']);
  });
});
