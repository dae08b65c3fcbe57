import { certificateFault } from '@sluice/noise/certificate';
import { generateSecret } from '@sluice/noise/ec';
import { nobleEc as ec } from '@sluice/noise/noble-ec';
import { ManualClock, unixSeconds } from '@sluice/runtime/clock';
import { silentLogger } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { expect, test } from 'vitest';
import { selfCertified } from '../src/identity.ts';

test('a certificate of its own is backdated an hour and renewed at half of its time', () => {
  const parts = { ec, random: randomBytes, clock: new ManualClock(), log: silentLogger() };
  const authoritySecret = generateSecret(randomBytes);
  const source = selfCertified(authoritySecret, 7_200, parts);
  const first = source.current();
  const now = unixSeconds(parts.clock);
  expect(first.certificate).toMatchObject({ validFrom: now - 3_600, notValidAfter: now + 7_200 });
  parts.clock.advance(3_599_000);
  source.refresh();
  expect(source.current().certificate).toBe(first.certificate);
  parts.clock.advance(2_000);
  source.refresh();
  const second = source.current();
  expect(second.certificate.notValidAfter).toBe(unixSeconds(parts.clock) + 7_200);
  expect(second.staticKey).toBe(first.staticKey);
  const authorityKey = ec.xOnlyPublicKey(authoritySecret);
  const staticPublicKey = ec.xOnlyPublicKey(second.staticKey.secret);
  const check = { ec, authorityKey, staticPublicKey, now: unixSeconds(parts.clock) };
  expect(certificateFault(second.certificate, check)).toBeUndefined();
});
