// The keys of a MiningPool on a real API server, with the roles of the operator's own account and by the test's clock; and the operator as a process,
// from whose hands they are taken.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeAuthorityPublicKey,
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
} from '@sluice/noise/authority-key';
import { certificateFault, decodeCertificate } from '@sluice/noise/certificate';
import { generateSecret } from '@sluice/noise/ec';
import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { ManualClock, unixSeconds } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { createMetrics, MetricsRegistry } from '@sluice/runtime/metrics';
import { randomBytes } from '@sluice/runtime/random';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MiningPool, Noise } from '../../operator/src/api/v1alpha1.ts';
import { Children } from '../../operator/src/apply/children.ts';
import { Writer } from '../../operator/src/apply/writer.ts';
import { EventRecorder } from '../../operator/src/events/event-recorder.ts';
import { FleetKeys, type KeysOutcome } from '../../operator/src/keys/fleet-keys.ts';
import { KnownKeys } from '../../operator/src/keys/known-keys.ts';
import { keyMetrics } from '../../operator/src/keys/metrics.ts';
import { KubernetesClient } from '../../operator/src/kubernetes/client.ts';
import { kubeconfigAccess } from '../../operator/src/kubernetes/cluster-access.ts';
import { isKubernetesError } from '../../operator/src/kubernetes/errors.ts';
import { examplePool } from '../../operator/test/defaulted.ts';
import { taken } from '../support/kubernetes/api-client.ts';
import { whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { createOperatorAccount, type OperatorAccount } from '../support/kubernetes/operator-account.ts';
import { operatorProcess } from '../support/kubernetes/operator-process.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes();
const namespace = 'mining';
const PUBLIC_KEY = 'mining.sluice.dev/authority-public-key';
const AUTHORITY_SECRET = 'mining.sluice.dev/authority-secret';
const ROTATE = 'mining.sluice.dev/rotate-keys';
const HOUR_MS = 3_600_000;
/** After this a Secret is read again. */
const LOOK_AGAIN_MS = 180_000;

describe.skipIf(missing !== undefined)(`the operator's keys${missing === undefined ? '' : ` (${missing})`}`, () => {
  let plane: ControlPlane;
  let account: OperatorAccount;
  let clock: ManualClock;
  let name: string;
  let made = 0;
  const clients: KubernetesClient[] = [];
  const { signal } = new AbortController();

  const client = () => plane.client();
  const path = (of = name) => pathOf({ kind: 'MiningPool', metadata: { name: of, namespace } });
  const pool = async (of = name): Promise<MiningPool> => (await client().get(path(of))).body;
  const ownSecrets = () => `/api/v1/namespaces/${account.namespace}/secrets`;
  const noisePath = (of = name) => `/api/v1/namespaces/${namespace}/secrets/${of}-gw-noise`;
  const create = async (of = name, { noise = {}, annotations = {} } = {}) => {
    const { apiVersion, kind, spec } = examplePool('regtest');
    const metadata = { name: of, namespace, annotations };
    taken(await client().apply(path(of), { apiVersion, kind, metadata, spec: { ...spec, noise } }));
  };
  const annotate = async (annotations: Readonly<Record<string, string>>) => {
    const live = await pool();
    const metadata = { ...live.metadata, annotations: { ...live.metadata.annotations, ...annotations } };
    taken(await client().put(path(), { ...live, metadata }));
  };
  /** One operator, as one process has it. */
  const operator = () => {
    const client = new KubernetesClient(kubeconfigAccess(account.kubeconfig), { metrics: new MetricsRegistry() });
    clients.push(client);
    const log = silentLogger();
    const writer = new Writer(client, { isHeld: () => true, signal });
    const events = new EventRecorder({ writer, clock, log, identity: 'test' });
    const children = new Children({ writer, caches: new Map(), log, onForeignFields: () => undefined });
    const known = new KnownKeys();
    const metrics = createMetrics(new MetricsRegistry(), keyMetrics);
    const keys = new FleetKeys({
      ...{ writer, events, clock, ec, random: randomBytes, namespace: account.namespace },
      ...{ known, metrics },
    });
    return { keys, children, known };
  };
  type TestOperator = ReturnType<typeof operator>;
  /** Until nobody is in its way any more, as the queue does; each time with what there is by then. */
  const settle = async (by: TestOperator, of = name): Promise<KeysOutcome> => {
    for (;;) {
      const owner = await pool(of);
      const fleet = { owner, infix: 'gw', component: 'connection-gateway' } as const;
      try {
        return await by.keys.settle(owner, fleet, owner.spec.noise as Noise, by.children);
      } catch (error) {
        if (!isKubernetesError(error, 'api-conflict')) throw error;
      }
    }
  };
  const authoritySecrets = async (of = name) =>
    (await client().get(ownSecrets())).body.items.filter(({ metadata }: { metadata: { name: string } }) =>
      metadata.name.startsWith(`${namespace}.${of}.`),
    );
  const deleteAuthority = async () => {
    for (const { metadata } of await authoritySecrets()) await client().delete(`${ownSecrets()}/${metadata.name}`);
  };
  const eventsOf = async (of = name) =>
    (await client().get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)).body.items.filter(
      ({ regarding }: { regarding: { name: string } }) => regarding.name === of,
    );
  /** What a gateway would read, and whether a miner with that key takes it. */
  const certificate = async (publicKey: string | undefined, of = name) => {
    const { data } = taken(await client().get(noisePath(of)));
    const bytes = (entry: string) => Uint8Array.from(Buffer.from(Buffer.from(data[entry], 'base64').toString(), 'hex'));
    const decoded = decodeCertificate(bytes('certificate'));
    const authorityKey = decodeAuthorityPublicKey(publicKey ?? '');
    if (decoded === undefined || authorityKey === undefined) throw new Error('no certificate, or no key');
    const staticPublicKey = ec.xOnlyPublicKey(bytes('static-key'));
    const fault = certificateFault(decoded, { ec, authorityKey, staticPublicKey, now: unixSeconds(clock) });
    return { fault, notValidAfter: decoded.notValidAfter, staticKey: data['static-key'] as string };
  };

  beforeAll(async () => {
    plane = await ControlPlane.start();
    await applyCustomResourceDefinitions(plane);
    account = await createOperatorAccount(plane);
    taken(await client().post('/api/v1/namespaces', { metadata: { name: namespace } }));
  });
  afterAll(async () => {
    for (const each of clients) each.close();
    await plane.stop();
  });
  beforeEach(async () => {
    // The process would have the pools of all tests to look after.
    const { items } = (await client().get(pathOf({ kind: 'MiningPool', metadata: { name: '', namespace } }))).body;
    for (const { metadata } of items) await client().delete(path(metadata.name));
    made += 1;
    name = `pool-${made}`;
    clock = new ManualClock(Math.floor(Date.now() / 1_000) * 1_000);
  });

  it('are made once, also where two operators are at it at once', async () => {
    const both = [operator(), operator()];
    for (let times = 0; times < 10; times += 1) {
      const each = `race-${times}`;
      await create(each);
      const [one, other] = await Promise.all(both.map((by) => settle(by, each)));
      const { metadata } = await pool(each);
      const [secret, ...more] = await authoritySecrets(each);
      expect(more).toEqual([]);
      expect(secret.metadata.name).toBe(`${namespace}.${each}.${metadata.uid.slice(0, 8)}`);
      expect(secret.metadata.ownerReferences).toBeUndefined();
      expect(secret.metadata.labels[PUBLIC_KEY]).toBe(one?.authorityPublicKey);
      expect(other?.authorityPublicKey).toBe(one?.authorityPublicKey);
      expect(metadata.annotations).toMatchObject({
        [PUBLIC_KEY]: one?.authorityPublicKey,
        [AUTHORITY_SECRET]: secret.metadata.name,
      });
      expect((await certificate(one?.authorityPublicKey, each)).fault).toBeUndefined();
    }
  });

  it('are said to be valid, and are looked at again without a write', async () => {
    await create();
    const by = operator();
    const first = await settle(by);
    const validTo = unixSeconds(clock) + 30 * 24 * 3_600;
    const message = `The certificate is valid until ${new Date(validTo * 1_000).toISOString()}.`;
    expect(first.finding).toEqual({ type: 'KeysValid', status: 'True', reason: 'KeysIssued', message });
    await settle(by);
    const before = [await pool(), (await client().get(noisePath())).body, ...(await authoritySecrets())];
    clock.advance(LOOK_AGAIN_MS);
    expect(await settle(by)).toEqual({ ...first, requeueAfterMs: LOOK_AGAIN_MS });
    expect([await pool(), (await client().get(noisePath())).body, ...(await authoritySecrets())]).toEqual(before);
    expect(by.known.firstExpiry).toBe(validTo);
  });

  it('have a certificate that is renewed before its end, and made anew where it is gone or damaged', async () => {
    await create(name, { noise: { certificate: { validity: '2h', renewBefore: '30m' } } });
    const by = operator();
    const { authorityPublicKey: key } = await settle(by);
    const first = await certificate(key);
    clock.advance(HOUR_MS);
    expect(await settle(by)).toMatchObject({ requeueAfterMs: LOOK_AGAIN_MS });
    expect(await certificate(key)).toEqual(first);
    clock.advance(HOUR_MS / 2 - 60_000);
    expect(await settle(by)).toMatchObject({ requeueAfterMs: 60_000 });
    clock.advance(60_000);
    await settle(by);
    const second = await certificate(key);
    expect(second).toMatchObject({ fault: undefined, notValidAfter: unixSeconds(clock) + 7_200 });
    expect(second.staticKey).not.toBe(first.staticKey);

    taken(await client().delete(noisePath()));
    clock.advance(LOOK_AGAIN_MS);
    await settle(by);
    expect((await certificate(key)).fault).toBeUndefined();
    const { body } = await client().get(noisePath());
    taken(await client().put(noisePath(), { ...body, data: { ...body.data, 'static-key': 'enp6' } }));
    clock.advance(LOOK_AGAIN_MS);
    await settle(by);
    expect((await certificate(key)).fault).toBeUndefined();
    expect(body.metadata.ownerReferences).toEqual([expect.objectContaining({ name, controller: true })]);
  });

  it('are not made anew when the authority key is gone: the pods go on, and it is taken again when it is back', async () => {
    await create(name, { noise: { certificate: { validity: '2h', renewBefore: '30m' } } });
    const by = operator();
    const { authorityPublicKey } = await settle(by);
    const [{ metadata, ...secret }] = await authoritySecrets();
    await settle(by);
    const before = await certificate(authorityPublicKey);
    await deleteAuthority();
    clock.advance(LOOK_AGAIN_MS);
    const lost = await settle(by);
    expect(lost).toMatchObject({ authorityPublicKey, finding: { status: 'False', reason: 'AuthorityKeyLost' } });
    expect(by.known.faults('AuthorityKeyLost')).toBe(1);
    // Also by an operator that has just begun, and when the certificate comes to its end.
    clock.advance(1.6 * HOUR_MS);
    const later = await settle(operator());
    expect(later).toMatchObject({ authorityPublicKey, finding: { status: 'False', reason: 'CertificateExpiring' } });
    expect(await certificate(authorityPublicKey)).toEqual(before);
    expect(await authoritySecrets()).toEqual([]);

    const { labels, name: secretName } = metadata;
    taken(await client().post(ownSecrets(), { ...secret, metadata: { name: secretName, labels } }));
    expect(await settle(operator())).toMatchObject({ authorityPublicKey, finding: { status: 'True' } });
    expect((await certificate(authorityPublicKey)).notValidAfter).toBe(unixSeconds(clock) + 7_200);
  });

  it('are not given to who puts another key in the place of the one that miners know', async () => {
    await create();
    const by = operator();
    const { authorityPublicKey } = await settle(by);
    const [secret] = await authoritySecrets();
    const data = {
      'secret-key': Buffer.from(encodeAuthoritySecretKey(generateSecret(randomBytes))).toString('base64'),
    };
    taken(await client().put(`${ownSecrets()}/${secret.metadata.name}`, { ...secret, data }));
    const { finding, ...others } = await settle(operator());
    expect(finding).toMatchObject({ status: 'False', reason: 'AuthorityKeyMismatch' });
    expect(others.authorityPublicKey).toBe(authorityPublicKey);
    const { metadata } = secret;
    const garbage = { 'secret-key': 'enp6' };
    const live = (await client().get(`${ownSecrets()}/${metadata.name}`)).body;
    taken(await client().put(`${ownSecrets()}/${metadata.name}`, { ...live, data: garbage }));
    expect((await settle(operator())).finding).toMatchObject({ status: 'False', reason: 'AuthorityKeyInvalid' });
    expect((await certificate(authorityPublicKey)).fault).toBeUndefined();
  });

  it('are the same after resource and Secrets were restored under other uids', async () => {
    await create();
    const { authorityPublicKey } = await settle(operator());
    const { annotations, uid } = (await pool()).metadata;
    const [{ metadata, ...secret }] = await authoritySecrets();
    await client().delete(path());
    await deleteAuthority();
    await client().delete(noisePath());

    await create(name, { annotations: annotations ?? {} });
    expect((await pool()).metadata.uid).not.toBe(uid);
    expect((await settle(operator())).finding).toMatchObject({ status: 'False', reason: 'AuthorityKeyLost' });
    const { labels, name: secretName } = metadata;
    taken(await client().post(ownSecrets(), { ...secret, metadata: { name: secretName, labels } }));
    const by = operator();
    expect(await settle(by)).toMatchObject({ authorityPublicKey, finding: { status: 'True' } });
    expect((await certificate(authorityPublicKey)).fault).toBeUndefined();
    // It has a place of its own from then on, so that it is found without annotations as well.
    const restored = await pool();
    const own = `${namespace}.${name}.${restored.metadata.uid.slice(0, 8)}`;
    expect(restored.metadata.annotations?.[AUTHORITY_SECRET]).toBe(own);
    taken(await client().put(path(), { ...restored, metadata: { ...restored.metadata, annotations: {} } }));
    expect((await settle(operator())).authorityPublicKey).toBe(authorityPublicKey);
  });

  it('are those of a resource that was there before, where it is made anew and names their Secret', async () => {
    await create();
    const { authorityPublicKey } = await settle(operator());
    const [secret] = await authoritySecrets();
    const owner = await pool();
    await operator().keys.finalize(owner, owner.spec.noise as Noise);
    await client().delete(path());
    await client().delete(noisePath());
    const annotations = { [AUTHORITY_SECRET]: secret.metadata.name };
    await create(name, { annotations });
    expect((await settle(operator())).authorityPublicKey).toBe(authorityPublicKey);

    // Of no other resource, whoever writes the annotation: what is named there must have been its own.
    await create(`${name}-thief`, { annotations });
    const { finding, authorityPublicKey: stolen } = await settle(operator(), `${name}-thief`);
    expect(finding).toMatchObject({ status: 'False', reason: 'AuthorityKeyMissing' });
    expect(stolen).toBeUndefined();
  });

  it('go with the resource where it says so, those before them too', async () => {
    await create(name, { noise: { keyDeletionPolicy: 'Delete' } });
    const by = operator();
    await settle(by);
    await annotate({ [ROTATE]: 'new-authority' });
    await settle(by);
    expect(await authoritySecrets()).toHaveLength(2);
    const owner = await pool();
    await by.keys.finalize(owner, { ...(owner.spec.noise as Noise), keyDeletionPolicy: 'Retain' });
    expect(await authoritySecrets()).toHaveLength(2);
    await by.keys.finalize(owner, owner.spec.noise as Noise);
    expect(await authoritySecrets()).toEqual([]);
  });

  it('are exchanged by order: the certificate, and the authority, of which everybody is told', async () => {
    await create();
    const by = operator();
    const { authorityPublicKey: before } = await settle(by);
    const first = await certificate(before);
    await annotate({ [ROTATE]: 'certificate' });
    expect((await settle(by)).authorityPublicKey).toBe(before);
    const second = await certificate(before);
    expect(second.fault).toBeUndefined();
    expect(second.staticKey).not.toBe(first.staticKey);
    expect((await pool()).metadata.annotations).not.toHaveProperty([ROTATE]);

    await annotate({ [ROTATE]: 'new-authority' });
    const both = [by, operator()];
    const [one, other] = await Promise.all(both.map((each) => settle(each)));
    const { authorityPublicKey: now } = await settle(by);
    expect([one?.authorityPublicKey, other?.authorityPublicKey]).toEqual([now, now]);
    expect(now).not.toBe(before);
    expect((await certificate(now)).fault).toBeUndefined();
    expect((await pool()).metadata.annotations).toMatchObject({ [PUBLIC_KEY]: now });
    expect((await pool()).metadata.annotations).not.toHaveProperty([ROTATE]);
    const keys = (await authoritySecrets()).map(
      ({ metadata }: { metadata: { labels: Record<string, string> } }) => metadata.labels[PUBLIC_KEY],
    );
    expect(keys.toSorted()).toEqual([before, now].toSorted());
    await waitFor(async () =>
      (await eventsOf()).some(({ reason }: { reason: string }) => reason === 'AuthorityKeyRotated'),
    );
    const note = `Miners that know the authority key ${before} must be told ${now}.`;
    expect(await eventsOf()).toContainEqual(expect.objectContaining({ type: 'Warning', note }));

    await annotate({ [ROTATE]: 'everything' });
    expect((await settle(by)).authorityPublicKey).toBe(now);
    expect((await pool()).metadata.annotations).not.toHaveProperty([ROTATE]);
    await waitFor(async () =>
      (await eventsOf()).some(({ reason }: { reason: string }) => reason === 'UnknownRotation'),
    );
  });

  it('are another authority by order, also where the one before is lost', async () => {
    await create();
    const by = operator();
    const { authorityPublicKey: before } = await settle(by);
    await deleteAuthority();
    await annotate({ [ROTATE]: 'new-authority' });
    const { authorityPublicKey: now, finding } = await settle(by);
    expect(now).not.toBe(before);
    expect(finding).toMatchObject({ status: 'True' });
    expect((await certificate(now)).fault).toBeUndefined();
  });

  it('come from a Secret of the pool, of which the operator keeps a copy', async () => {
    const secretRef = { name: `${name}-key`, key: 'authority.key' };
    const place = `/api/v1/namespaces/${namespace}/secrets`;
    const put = async (text: string) => {
      await client().delete(`${place}/${secretRef.name}`);
      taken(await client().post(place, { metadata: { name: secretRef.name }, stringData: { 'authority.key': text } }));
    };
    const key = generateSecret(randomBytes);
    const publicKey = encodeAuthorityPublicKey(ec.xOnlyPublicKey(key));
    await create(name, { noise: { authorityKey: { mode: 'Existing', secretRef } } });
    const by = operator();
    const reasonNow = async () => (await settle(by)).finding.reason;
    expect(await reasonNow()).toBe('AuthorityKeyMissing');
    await put('no key');
    clock.advance(LOOK_AGAIN_MS);
    expect(await settle(by)).toMatchObject({
      authorityPublicKey: undefined,
      finding: { reason: 'AuthorityKeyInvalid' },
    });
    await put(`${encodeAuthoritySecretKey(key)}\n`);
    clock.advance(LOOK_AGAIN_MS);
    expect(await settle(by)).toMatchObject({ authorityPublicKey: publicKey, finding: { reason: 'KeysIssued' } });
    expect((await certificate(publicKey)).fault).toBeUndefined();

    await deleteAuthority();
    clock.advance(LOOK_AGAIN_MS);
    expect(await reasonNow()).toBe('KeysIssued');
    expect(await authoritySecrets()).toHaveLength(1);
    await client().delete(`${place}/${secretRef.name}`);
    clock.advance(LOOK_AGAIN_MS);
    expect(await reasonNow()).toBe('KeysIssued');
    const next = generateSecret(randomBytes);
    await put(encodeAuthoritySecretKey(next));
    clock.advance(LOOK_AGAIN_MS);
    expect((await settle(by)).authorityPublicKey).toBe(publicKey);
    await annotate({ [ROTATE]: 'new-authority' });
    expect((await settle(by)).authorityPublicKey).toBe(encodeAuthorityPublicKey(ec.xOnlyPublicKey(next)));
  });

  it("leaves a Secret of somebody else's alone that has the name of the fleet's", async () => {
    await create();
    const theirs = { metadata: { name: `${name}-gw-noise` }, stringData: { theirs: 'yes' } };
    taken(await client().post(`/api/v1/namespaces/${namespace}/secrets`, theirs));
    await expect(settle(operator())).rejects.toMatchObject({ code: 'name-conflict' });
    expect((await client().get(noisePath())).body.data).toEqual({ theirs: Buffer.from('yes').toString('base64') });
  });

  it('are in the hands of the process: gateways stay when the authority key is taken away, and no roles are missing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-operator-'));
    const process = await operatorProcess(account, directory, '--image', 'registry.example/sluice:1.2.3');
    const sets = async () => {
      const selector = encodeURIComponent(`mining.sluice.dev/workload=${name}-gw`);
      return (await client().get(`/apis/apps/v1/namespaces/${namespace}/replicasets?labelSelector=${selector}`)).body
        .items;
    };
    const keysValid = async () => (await pool()).status?.conditions?.find(({ type }) => type === 'KeysValid');
    try {
      await create(name, { noise: { keyDeletionPolicy: 'Delete' } });
      process.launch();
      await process.ready();
      await waitFor(async () => (await keysValid())?.reason === 'KeysIssued');
      const { status } = await pool();
      const [secret] = await authoritySecrets();
      expect(status?.authorityPublicKey).toBe(secret.metadata.labels[PUBLIC_KEY]);
      await waitFor(async () => (await sets()).length === 1);
      const [set] = await sets();
      expect(await process.metric('sluice_operator_certificate_expiry_timestamp_seconds')).toBeGreaterThan(
        Date.now() / 1_000,
      );

      await process.kill('SIGTERM');
      await deleteAuthority();
      await client().delete(noisePath());
      process.launch();
      await process.ready();
      await waitFor(async () => (await keysValid())?.reason === 'AuthorityKeyLost');
      expect(await authoritySecrets()).toEqual([]);
      expect((await sets()).map(({ metadata }: { metadata: { uid: string } }) => metadata.uid)).toEqual([
        set.metadata.uid,
      ]);
      expect((await pool()).status?.authorityPublicKey).toBe(status?.authorityPublicKey);
      await waitFor(async () =>
        (await eventsOf()).some(({ reason }: { reason: string }) => reason === 'AuthorityKeyLost'),
      );
      expect(await eventsOf()).toContainEqual(expect.objectContaining({ reason: 'AuthorityKeyLost', type: 'Warning' }));

      await annotate({ [ROTATE]: 'new-authority' });
      await waitFor(async () => (await pool()).metadata.annotations?.[ROTATE] === undefined);
      expect(await authoritySecrets()).toHaveLength(1);
      await client().delete(path());
      await waitFor(async () => (await client().get(path())).status === 404);
      expect(await authoritySecrets()).toEqual([]);
    } finally {
      await process.kill();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
