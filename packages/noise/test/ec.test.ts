import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateKeyPair, generateSecret, isSecretKey, keyPairOf } from '../src/ec.ts';
import { csvRows, ecBackends } from './backends.ts';

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');
const rows = (name: string) => csvRows(readFileSync(join(import.meta.dirname, 'vectors', name), 'utf8'));

/** Repeatable bytes that differ from call to call. */
function counterBytes(seed: number) {
  let counter = seed;
  return (length: number) => Uint8Array.from({ length }, () => (counter = (counter * 73 + 41) & 0xff));
}

const ORDER = hex('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141');

describe.each(ecBackends)('$name', (ec) => {
  it('decodes the encodings of BIP 324', () => {
    const vectors = rows('bip324-ellswift-decode.csv');
    expect(vectors.length).toBeGreaterThan(50);
    for (const { ellswift = '', x = '' } of vectors) {
      expect(Buffer.from(ec.ellswiftDecode(hex(ellswift))).toString('hex')).toBe(x);
    }
  });

  it('agrees on the shared secrets of BIP 324', () => {
    const vectors = rows('bip324-shared-secret.csv');
    expect(vectors.length).toBeGreaterThan(5);
    for (const row of vectors) {
      const [secret, ours, theirs] = [row.in_priv_ours, row.in_ellswift_ours, row.in_ellswift_theirs].map((text) =>
        hex(text ?? ''),
      );
      const shared = ec.ellswiftXdh(secret!, ours!, theirs!, row.in_initiating === '1');
      expect(Buffer.from(shared!).toString('hex')).toBe(row.mid_shared_secret);
    }
  });

  it('signs as BIP 340', () => {
    const signing = rows('bip340.csv').filter((row) => row['secret key'] !== '' && row.message?.length === 64);
    expect(signing.length).toBeGreaterThan(3);
    for (const row of signing) {
      const signature = ec.schnorrSign(hex(row.message!), hex(row['secret key']!), hex(row.aux_rand!));
      expect(Buffer.from(signature).toString('hex').toUpperCase()).toBe(row.signature);
      expect(
        Buffer.from(ec.xOnlyPublicKey(hex(row['secret key']!)))
          .toString('hex')
          .toUpperCase(),
      ).toBe(row['public key']);
    }
  });

  it('verifies as BIP 340', () => {
    const verifying = rows('bip340.csv').filter((row) => row.message?.length === 64);
    expect(verifying.some((row) => row['verification result'] === 'FALSE')).toBe(true);
    for (const row of verifying) {
      const good = ec.schnorrVerify(hex(row.signature!), hex(row.message!), hex(row['public key']!));
      expect([row.index, good]).toEqual([row.index, row['verification result'] === 'TRUE']);
    }
  });

  it('makes encodings that decode to the public key and differ with the randomness', () => {
    const random = counterBytes(7);
    const { secret, ellswift } = generateKeyPair(ec, random);
    const again = keyPairOf(ec, secret, random);
    expect(ec.ellswiftDecode(ellswift)).toEqual(ec.xOnlyPublicKey(secret));
    expect(ec.ellswiftDecode(again.ellswift)).toEqual(ec.xOnlyPublicKey(secret));
    expect(again.ellswift).not.toEqual(ellswift);
  });

  it('gives both sides one secret, and another one when the roles are swapped', () => {
    const random = counterBytes(99);
    const [a, b] = [generateKeyPair(ec, random), generateKeyPair(ec, random)];
    const shared = ec.ellswiftXdh(a.secret, a.ellswift, b.ellswift, true);
    expect(ec.ellswiftXdh(b.secret, b.ellswift, a.ellswift, false)).toEqual(shared);
    expect(ec.ellswiftXdh(b.secret, b.ellswift, a.ellswift, true)).not.toEqual(shared);
  });

  it('refuses a secret that is no scalar', () => {
    for (const secret of [new Uint8Array(32), ORDER, new Uint8Array(32).fill(0xff)]) {
      expect(() => ec.xOnlyPublicKey(secret)).toThrow(expect.objectContaining({ code: 'secret-key-invalid' }));
      expect(() => keyPairOf(ec, secret, counterBytes(1))).toThrow(
        expect.objectContaining({ code: 'secret-key-invalid' }),
      );
    }
  });
});

describe('secret keys', () => {
  it('are from 1 to the order less 1', () => {
    const one = new Uint8Array(32);
    one[31] = 1;
    const last = Uint8Array.from(ORDER);
    last[31] = ORDER[31]! - 1;
    const beyond = Uint8Array.from(ORDER);
    beyond[31] = ORDER[31]! + 1;
    expect([one, last].map(isSecretKey)).toEqual([true, true]);
    expect([new Uint8Array(32), ORDER, beyond, new Uint8Array(31)].map(isSecretKey)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('are drawn again when the draw is out of range', () => {
    const draws = [new Uint8Array(32), ORDER, new Uint8Array(32).fill(5)];
    expect(generateSecret(() => draws.shift()!)).toEqual(new Uint8Array(32).fill(5));
  });
});
