// The Secret of a fleet that another operator makes at the very moment.
import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { ManualClock } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { expect, it } from 'vitest';
import { Children } from '../../src/apply/children.ts';
import { Writer } from '../../src/apply/writer.ts';
import { ownedMetadata } from '../../src/desired/manifest.ts';
import { generateAuthorityKey } from '../../src/keys/authority-secret.ts';
import { issueCertificate } from '../../src/keys/certificate.ts';
import { FleetCertificate } from '../../src/keys/fleet-certificate.ts';
import type { ApiRequest, KubernetesClient } from '../../src/kubernetes/client.ts';
import { errorOfStatus } from '../../src/kubernetes/errors.ts';
import { examplePool } from '../defaulted.ts';

it('is theirs, of which it is known how long it is valid when it has been read', async () => {
  const pool = examplePool('regtest');
  const clock = new ManualClock(Date.parse('2026-01-01T00:00:00Z'));
  const now = clock.now() / 1_000;
  const key = generateAuthorityKey(ec, randomBytes);
  const data = issueCertificate({
    ec,
    authority: key,
    validitySeconds: 90 * 86_400,
    now: now - 100,
    random: randomBytes,
  });
  const theirs = { kind: 'Secret', metadata: ownedMetadata(pool, 'demo-gw-noise', {}), data };
  let isThere = false;
  const request = async ({ method }: ApiRequest) => {
    if (method === 'GET' && isThere) return theirs;
    isThere ||= method === 'POST';
    throw method === 'POST' ? errorOfStatus(409, 'it is there already') : errorOfStatus(404, 'there is none');
  };
  const { signal } = new AbortController();
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const children = new Children({ writer, caches: new Map(), log: silentLogger(), onForeignFields: () => undefined });
  let issued = 0;
  const onIssued = () => {
    issued += 1;
  };
  const certificates = new FleetCertificate({ writer, clock, ec, random: randomBytes, onIssued });
  const workload = { owner: pool, infix: 'gw', component: 'connection-gateway' } as const;
  const noise = { ...pool.spec.noise, certificate: { validity: '720h', renewBefore: '24h' } };
  const authority = { key, publicKey: key.publicKey };
  const settle = () => certificates.settle(workload, noise as never, { authority, children, forced: false });
  await expect(settle()).rejects.toMatchObject({ code: 'api-conflict' });
  expect(await settle()).toBe(now - 100 + 90 * 86_400);
  expect(issued).toBe(0);
});

it('is made anew where it is of another authority, so that nobody can use it', async () => {
  const pool = examplePool('regtest');
  const clock = new ManualClock(Date.parse('2026-01-01T00:00:00Z'));
  const now = clock.now() / 1_000;
  const key = generateAuthorityKey(ec, randomBytes);
  const of = (authority: typeof key) =>
    issueCertificate({ ec, authority, validitySeconds: 90 * 86_400, now, random: randomBytes });
  const metadata = { ...ownedMetadata(pool, 'demo-gw-noise', {}), uid: 'noise', resourceVersion: '1' };
  let secret = { kind: 'Secret', metadata, data: of(key) };
  const request = async ({ method }: ApiRequest) => {
    expect(['GET', 'PATCH']).toContain(method);
    return secret;
  };
  const { signal } = new AbortController();
  const writer = new Writer({ request } as unknown as KubernetesClient, { signal, isHeld: () => true });
  const children = new Children({ writer, caches: new Map(), log: silentLogger(), onForeignFields: () => undefined });
  let issued = 0;
  const onIssued = () => {
    issued += 1;
  };
  const certificates = new FleetCertificate({ writer, clock, ec, random: randomBytes, onIssued });
  const workload = { owner: pool, infix: 'gw', component: 'connection-gateway' } as const;
  const authority = { key, publicKey: key.publicKey };
  const settle = () => certificates.settle(workload, pool.spec.noise, { authority, children, forced: false });
  await settle();
  await settle();
  expect(issued).toBe(0);
  secret = {
    ...secret,
    metadata: { ...metadata, resourceVersion: '2' },
    data: of(generateAuthorityKey(ec, randomBytes)),
  };
  await settle();
  expect(issued).toBe(1);
});
