// Backup, wipe and restore with the very commands of docs/operations/backup-and-restore.md, against the operator as a process: the resources come back
// under other uids, and miners find the same pools and proxies at the same URIs. kwok says of pods that they run.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { certificateFault, decodeCertificate } from '@sluice/noise/certificate';
import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { systemClock, unixSeconds } from '@sluice/runtime/clock';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { examplePool, exampleProxyFleet } from '../../operator/test/defaulted.ts';
import { controlPlanePrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ScaledCluster } from '../support/kubernetes/scaled-cluster.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes([...controlPlanePrograms, 'kwok']);
const namespace = 'mining';
const AUTHORITY_KEYS = ['secrets', '--selector', 'mining.sluice.dev/authority-of'];
/** With the Secret that holds the certificate of each. */
const resources = [
  ['MiningPool', 'demo', 'demo-gw-noise'],
  ['ProxyFleet', 'farm', 'farm-px-noise'],
] as const;

interface Found {
  readonly uid: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: object;
  readonly authorityPublicKey: string;
  readonly uris: readonly string[];
}

describe.skipIf(missing !== undefined)(`a backup${missing === undefined ? '' : ` (${missing})`}`, () => {
  let cluster: ScaledCluster;
  let before: readonly Found[];

  const client = () => cluster.plane.client();
  const kubectl = (...args: readonly string[]) => cluster.plane.kubectl(...args);
  const inOperatorNamespace = () => `--namespace=${cluster.account.namespace}`;
  const file = (name: string) => join(cluster.plane.directory, name);
  const conditionOf = async (kind: string, name: string, type: string) => {
    const { status } = (await client().get(cluster.path(kind, name))).body;
    return status?.conditions?.find((each: { type: string }) => each.type === type);
  };
  const haveKeys = () =>
    waitFor(async () => {
      const conditions = await Promise.all(resources.map(([kind, name]) => conditionOf(kind, name, 'KeysValid')));
      return conditions.every((each) => each?.status === 'True');
    }, 60_000);
  const found = (): Promise<readonly Found[]> =>
    Promise.all(
      resources.map(async ([kind, name]) => {
        const { metadata, spec, status } = (await client().get(cluster.path(kind, name))).body;
        const uris = status.endpoints.map(({ uri }: { uri: string }) => uri);
        const { uid, annotations } = metadata;
        return { uid, annotations, spec, authorityPublicKey: status.authorityPublicKey, uris };
      }),
    );
  /** What a miner who knows the key would say of the certificate; undefined when it takes it. */
  const faultOf = async (secret: string, authorityPublicKey: string) => {
    const { data } = (await client().get(`/api/v1/namespaces/${namespace}/secrets/${secret}`)).body;
    const bytes = (entry: string) => Uint8Array.from(Buffer.from(Buffer.from(data[entry], 'base64').toString(), 'hex'));
    const certificate = decodeCertificate(bytes('certificate'));
    const authorityKey = decodeAuthorityPublicKey(authorityPublicKey);
    if (certificate === undefined || authorityKey === undefined) return 'no certificate, or no key';
    const staticPublicKey = ec.xOnlyPublicKey(bytes('static-key'));
    return certificateFault(certificate, { ec, authorityKey, staticPublicKey, now: unixSeconds(systemClock) });
  };

  beforeAll(async () => {
    cluster = await ScaledCluster.start();
    await cluster.apply('MiningPool', 'demo', examplePool('regtest').spec);
    const { spec } = exampleProxyFleet('farm-on-own-pool');
    await cluster.apply('ProxyFleet', 'farm', {
      ...spec,
      upstreams: [{ name: 'own', poolRef: { name: 'demo' }, identity: 'farm' }],
    });
    await haveKeys();
    await waitFor(async () => (await found()).every(({ uris }) => uris.length > 0), 60_000);
  });
  afterAll(async () => {
    await cluster.stop();
  });

  it('is made by two commands', async () => {
    onTestFailed(() => console.log(cluster.operator.log(80)));
    before = await found();
    const list = await kubectl('get', 'miningpools,proxyfleets', '--all-namespaces', '--output', 'yaml');
    writeFileSync(file('resources.yaml'), list);
    const keys = await kubectl(inOperatorNamespace(), 'get', ...AUTHORITY_KEYS, '--output', 'yaml');
    writeFileSync(file('authority-keys.yaml'), keys, { mode: 0o600 });
    for (const { authorityPublicKey, uris } of before) {
      expect(uris.some((uri) => uri.endsWith(`/${authorityPublicKey}`))).toBe(true);
      expect(keys).toContain(authorityPublicKey);
    }
    // What the pool is known by is in the second file alone.
    expect(list).not.toContain('secret-key');
  });

  it('is all that is left after a wipe', async () => {
    onTestFailed(() => console.log(cluster.operator.log(80)));
    await kubectl('delete', 'namespace', namespace, '--timeout=90s');
    await cluster.operator.kill('SIGTERM');
    await kubectl(inOperatorNamespace(), 'delete', ...AUTHORITY_KEYS);
    expect(await kubectl('get', 'miningpools,proxyfleets', '--all-namespaces', '--ignore-not-found')).toBe('');
  });

  it('brings back the same keys and URIs, under other uids', async () => {
    onTestFailed(() => console.log(cluster.operator.log(80)));
    await kubectl('create', 'namespace', namespace);
    await kubectl('create', '--filename', file('authority-keys.yaml'));
    await kubectl('apply', '--filename', file('resources.yaml'));
    cluster.operator.launch();
    await cluster.operator.ready();
    const begin = performance.now();
    await haveKeys();
    await waitFor(async () => {
      const uris = (await found()).map((each) => each.uris.join());
      return uris.join() === before.map((each) => each.uris.join()).join();
    }, 60_000);
    const after = await found();
    console.log(
      `the same URIs ${((performance.now() - begin) / 1_000).toFixed(1)} s after the operator was there again:`,
    );
    for (const [index, { uid, uris, authorityPublicKey, spec }] of after.entries()) {
      console.log(uris.join('\n'));
      const { uid: uidBefore, ...same } = before[index] as Found;
      expect(uid).not.toBe(uidBefore);
      expect({ uris, authorityPublicKey, spec }).toEqual({
        uris: same.uris,
        authorityPublicKey: same.authorityPublicKey,
        spec: same.spec,
      });
      const [, , secret] = resources[index] as (typeof resources)[number];
      expect(await faultOf(secret, authorityPublicKey)).toBeUndefined();
    }
    // Nothing but what was restored is known to be anybody's key: none was made anew.
    const keys = readFileSync(file('authority-keys.yaml'), 'utf8');
    const { items } = (await client().get(`/api/v1/namespaces/${cluster.account.namespace}/secrets`)).body;
    for (const { data } of items.filter(({ data = {} }: { data?: object }) => 'secret-key' in data))
      expect(keys).toContain(data['secret-key']);
  });

  it('without the keys is no reason to make others', async () => {
    onTestFailed(() => console.log(cluster.operator.log(80)));
    await kubectl('delete', 'namespace', namespace, '--timeout=90s');
    await cluster.operator.kill('SIGTERM');
    await kubectl(inOperatorNamespace(), 'delete', ...AUTHORITY_KEYS);
    await kubectl('create', 'namespace', namespace);
    await kubectl('apply', '--filename', file('resources.yaml'));
    cluster.operator.launch();
    await cluster.operator.ready();
    await waitFor(async () => (await conditionOf('MiningPool', 'demo', 'KeysValid'))?.status === 'False', 60_000);
    expect(await conditionOf('MiningPool', 'demo', 'KeysValid')).toMatchObject({ reason: 'AuthorityKeyLost' });
    expect(await kubectl(inOperatorNamespace(), 'get', ...AUTHORITY_KEYS, '--ignore-not-found')).toBe('');

    await kubectl('create', '--filename', file('authority-keys.yaml'));
    // It looks at them every three minutes; whoever leads next, at once.
    await cluster.operator.kill('SIGTERM');
    cluster.operator.launch();
    await cluster.operator.ready();
    await haveKeys();
    expect((await found()).map(({ authorityPublicKey }) => authorityPublicKey)).toEqual(
      before.map(({ authorityPublicKey }) => authorityPublicKey),
    );
  });
});
