import { encodeAuthoritySecretKey } from '@sluice/noise/authority-key';
import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { randomBytes } from '@sluice/runtime/random';
import { expect, it } from 'vitest';
import {
  authorityKeyIn,
  authoritySecret,
  authoritySecretName,
  generateAuthorityKey,
  isAuthoritySecretName,
  previousSecrets,
  readAuthorityKey,
  retiredSecretName,
} from '../../src/keys/authority-secret.ts';
import { examplePool, exampleProxyFleet } from '../defaulted.ts';

const pool = examplePool('regtest');
const fleet = exampleProxyFleet('farm');
const place = { name: authoritySecretName(pool), namespace: 'sluice-system' };

it('has the namespace, the name and the beginning of the uid of its resource in its name', () => {
  expect(authoritySecretName(pool)).toBe('mining.demo.6f1c7a52');
});

it('gives the key back that it was made of, to its own kind alone', () => {
  const key = generateAuthorityKey(ec, randomBytes);
  const secret = authoritySecret(pool, place, key);
  expect(readAuthorityKey(ec, secret, pool)).toEqual(key);
  expect(readAuthorityKey(ec, secret, fleet)).toBeUndefined();
  expect(secret.metadata).not.toHaveProperty('ownerReferences');
  expect(secret.metadata.labels).toMatchObject({ 'mining.sluice.dev/authority-public-key': key.publicKey });
});

it('is told from what is no key', () => {
  const key = generateAuthorityKey(ec, randomBytes);
  const data = (text: string) => ({
    metadata: { name: 'theirs' },
    data: { key: Buffer.from(text).toString('base64') },
  });
  expect(authorityKeyIn(ec, data(`${encodeAuthoritySecretKey(key.secret)}\n`), 'key')).toEqual(key);
  expect(authorityKeyIn(ec, data(encodeAuthoritySecretKey(key.secret)), 'other')).toBeUndefined();
  expect(authorityKeyIn(ec, data(key.publicKey), 'key')).toBeUndefined();
  expect(authorityKeyIn(ec, { metadata: { name: 'theirs' } }, 'key')).toBeUndefined();
});

it.each([
  ['mining.demo.0123abcd', true],
  ['mining.demo.0123abc', false],
  ['mining.demo.0123abcd.0123456789', false],
  ['mining.other.0123abcd', false],
  ['farm.demo.0123abcd', false],
  ['farm.mining.demo.0123abcd', false],
  ['mining.demo.0123ABCD', false],
  ['', false],
])('%s may be named by the resource: %s', (name, may) => {
  expect(isAuthoritySecretName(pool, name)).toBe(may);
});

it('names those before it', () => {
  const key = generateAuthorityKey(ec, randomBytes);
  const retired = retiredSecretName(pool, key);
  expect(retired).toMatch(/^mining\.demo\.6f1c7a52\.[0-9a-f]{10}$/);
  expect(previousSecrets(authoritySecret(pool, place, key, { previous: [retired, 'mining.demo.00000000'] }))).toEqual([
    ...[retired, 'mining.demo.00000000'],
  ]);
  expect(previousSecrets(authoritySecret(pool, place, key))).toEqual([]);
});
