import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { randomBytes } from '@sluice/runtime/random';
import { expect, it } from 'vitest';
import { generateAuthorityKey } from '../../src/keys/authority-secret.ts';
import { issueCertificate, knownCertificate } from '../../src/keys/certificate.ts';

const NOW = 1_700_000_000;
const authority = generateAuthorityKey(ec, randomBytes);
const data = { ...issueCertificate({ ec, authority, validitySeconds: 7_200, now: NOW, random: randomBytes }) };

it('is valid under its authority, from an hour before it was made to its end', () => {
  const validAt = (now: number) => knownCertificate(data, { ec, authorityPublicKey: authority.publicKey, now });
  for (const now of [NOW - 3_600, NOW, NOW + 7_200])
    expect(validAt(now)).toEqual({ notValidAfter: NOW + 7_200, isValid: true });
  for (const now of [NOW - 3_700, NOW + 7_300]) expect(validAt(now)?.isValid).toBe(false);
});

it('is not valid under another authority, nor with another static key', () => {
  expect(
    knownCertificate(data, { ec, authorityPublicKey: generateAuthorityKey(ec, randomBytes).publicKey, now: NOW })
      ?.isValid,
  ).toBe(false);
  const other = issueCertificate({ ec, authority, validitySeconds: 7_200, now: NOW, random: randomBytes });
  const mixed = { ...data, 'static-key': other['static-key'] };
  expect(knownCertificate(mixed, { ec, authorityPublicKey: authority.publicKey, now: NOW })?.isValid).toBe(false);
});

it.each([
  ['no entries', {}],
  ['a certificate alone', { certificate: data.certificate }],
  ['a static key alone', { 'static-key': data['static-key'] }],
  ['no base64', { ...data, certificate: '???' }],
  ['no hexadecimal text', { ...data, certificate: Buffer.from('zz').toString('base64') }],
  ['a key out of range', { ...data, 'static-key': Buffer.from('00'.repeat(32)).toString('base64') }],
])('is not there with %s', (_, entries) => {
  expect(knownCertificate(entries, { ec, authorityPublicKey: authority.publicKey, now: NOW })).toBeUndefined();
});

it('is what the files of services hold: hexadecimal text of 32 and of 74 bytes', () => {
  const text = (entry: string) => Buffer.from(entry, 'base64').toString();
  expect(text(data['static-key'])).toMatch(/^[0-9a-f]{64}$/);
  expect(text(data.certificate)).toMatch(/^[0-9a-f]{148}$/);
});
