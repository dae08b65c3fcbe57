import { encodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { randomBytes } from '@sluice/runtime/random';
import { describe, expect, it } from 'vitest';
import { ecBackends } from '../../../packages/noise/test/backends.ts';
import { generateAuthorityKey } from '../../src/keys/authority-secret.ts';
import { issueCertificate, knownCertificate } from '../../src/keys/certificate.ts';

const NOW = 1_700_000_000;
/** Of no point of the curve. */
const NO_POINT = encodeAuthorityPublicKey(Uint8Array.from({ length: 32 }, (_, index) => (index === 31 ? 5 : 0)));

describe.each(ecBackends)('a certificate by $name', (ec) => {
  const authority = generateAuthorityKey(ec, randomBytes);
  const { publicKey } = authority;
  const issue = () => issueCertificate({ ec, authority, validitySeconds: 7_200, now: NOW, random: randomBytes });
  const data = { ...issue() };
  const known = (entries: Readonly<Record<string, string>>, authorityPublicKey = publicKey, now = NOW) =>
    knownCertificate(entries, { ec, authorityPublicKey, now });

  it('is valid under its authority, from an hour before it was made to its end', () => {
    for (const now of [NOW - 3_600, NOW, NOW + 7_200])
      expect(known(data, publicKey, now)).toEqual({ notValidAfter: NOW + 7_200, isValid: true });
    for (const now of [NOW - 3_700, NOW + 7_300]) expect(known(data, publicKey, now)?.isValid).toBe(false);
  });

  it('is not valid under another authority, nor with another static key', () => {
    expect(known(data, generateAuthorityKey(ec, randomBytes).publicKey)?.isValid).toBe(false);
    expect(known(data, NO_POINT)?.isValid).toBe(false);
    expect(known({ ...data, 'static-key': issue()['static-key'] })?.isValid).toBe(false);
  });

  it.each([
    ['no entries', {}],
    ['a certificate alone', { certificate: data.certificate }],
    ['a static key alone', { 'static-key': data['static-key'] }],
    ['no base64', { ...data, certificate: '???' }],
    ['no hexadecimal text', { ...data, certificate: Buffer.from('zz').toString('base64') }],
    ['a key out of range', { ...data, 'static-key': Buffer.from('00'.repeat(32)).toString('base64') }],
  ])('is not there with %s', (_, entries) => {
    expect(known(entries)).toBeUndefined();
  });

  it('is what the files of services hold: hexadecimal text of 32 and of 74 bytes', () => {
    const text = (entry: string) => Buffer.from(entry, 'base64').toString();
    expect(text(data['static-key'])).toMatch(/^[0-9a-f]{64}$/);
    expect(text(data.certificate)).toMatch(/^[0-9a-f]{148}$/);
  });
});
