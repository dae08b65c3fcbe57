// One flipped bit anywhere in the handshake is enough for the client to refuse it.
import { randomBytes } from '@sluice/runtime/random';
import { describe, expect, it } from 'vitest';
import { signCertificate } from '../src/certificate.ts';
import { generateKeyPair, generateSecret } from '../src/ec.ts';
import { NoiseInitiator } from '../src/initiator.ts';
import { nobleAead } from '../src/noble-aead.ts';
import { NoiseResponder } from '../src/responder.ts';
import { ecBackends } from './backends.ts';

const ec = ecBackends.at(-1)!;
/** The reference curve takes its time: one bit of each byte. */
const bits = ec.name === 'noble' ? [3] : [0, 1, 2, 3, 4, 5, 6, 7];
const maxPayload = () => 1_000;
const now = 1_700_000_000;
const authoritySecret = generateSecret(randomBytes);
const staticKey = generateKeyPair(ec, randomBytes);
const certificate = signCertificate({
  ec,
  authoritySecret,
  staticPublicKey: ec.xOnlyPublicKey(staticKey.secret),
  validFrom: now,
  notValidAfter: now + 3600,
  random: randomBytes(32),
});

/** The handshake over a line that changes what passes. */
function handshake(changeAct1: (act: Uint8Array) => void, changeAct2: (act: Uint8Array) => void): string {
  const authorityKey = ec.xOnlyPublicKey(authoritySecret);
  const client = new NoiseInitiator({ ec, aead: nobleAead, authorityKey, random: randomBytes, now, maxPayload });
  const act1 = Uint8Array.from(client.act1());
  changeAct1(act1);
  const responder = new NoiseResponder({
    ec,
    aead: nobleAead,
    staticKey,
    certificate,
    random: randomBytes,
    maxPayload,
  });
  const answer = responder.readAct1(act1);
  if (!answer.ok) return answer.code;
  changeAct2(answer.act2);
  const result = client.readAct2(answer.act2);
  return result.ok ? 'trusted' : result.code;
}

const leave = () => {};
const flip = (at: number, bit: number) => (act: Uint8Array) => {
  act[at]! ^= 1 << bit;
};

describe(`tampering, on ${ec.name}`, () => {
  it('is possible only by changing something', () => {
    expect(handshake(leave, leave)).toBe('trusted');
  });

  it('with any bit of the first message is refused', { timeout: 30_000 }, () => {
    for (let at = 0; at < 64; at++)
      for (const bit of bits) expect([at, handshake(flip(at, bit), leave)]).toEqual([at, 'decryption-failed']);
  });

  it('with any bit of the second message is refused', { timeout: 30_000 }, () => {
    for (let at = 0; at < 234; at++)
      for (const bit of bits) expect([at, handshake(leave, flip(at, bit))]).toEqual([at, 'decryption-failed']);
  });
});
