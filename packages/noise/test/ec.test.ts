import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { elligatorSwift } from '@scure/btc-signer/p2p.js';
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

/** For a `u` and a key the `t` of each of the eight cases, empty where it has none. */
const inverses = rows('bip324-xswiftec-inv.csv').map((row) => ({
  u: row.u ?? '',
  x: row.x ?? '',
  encodings: Array.from({ length: 8 }, (_, index) => row[`case${index}_t`] ?? ''),
}));

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

  it('decodes every encoding that BIP 324 finds for a key', () => {
    for (const { u, x, encodings } of inverses)
      for (const t of encodings)
        if (t !== '') expect(Buffer.from(ec.ellswiftDecode(hex(u + t))).toString('hex')).toBe(x);
  });

  it('refuses a secret that is no scalar, in each operation that takes one', () => {
    const code = expect.objectContaining({ code: 'secret-key-invalid' });
    const [h32, h64] = [new Uint8Array(32).fill(1), new Uint8Array(64).fill(1)];
    for (const secret of [new Uint8Array(32), ORDER, new Uint8Array(32).fill(0xff), h32.subarray(1), h64]) {
      expect(() => ec.xOnlyPublicKey(secret)).toThrow(code);
      expect(() => keyPairOf(ec, secret, counterBytes(1))).toThrow(code);
      expect(() => ec.ellswiftCreate(secret, h32)).toThrow(code);
      expect(() => ec.ellswiftXdh(secret, h64, h64, true)).toThrow(code);
      expect(() => ec.schnorrSign(h32, secret, h32)).toThrow(code);
    }
  });

  it('refuses arguments of another length', () => {
    const code = expect.objectContaining({ code: 'key-length' });
    const [h32, h64] = [new Uint8Array(32).fill(1), new Uint8Array(64).fill(1)];
    for (const bad of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(33), new Uint8Array(63)]) {
      expect(() => ec.ellswiftCreate(h32, bad)).toThrow(code);
      expect(() => ec.ellswiftXdh(h32, bad, h64, true)).toThrow(code);
      expect(() => ec.ellswiftXdh(h32, h64, bad, true)).toThrow(code);
      expect(() => ec.ellswiftDecode(bad)).toThrow(code);
      expect(() => ec.schnorrSign(bad, h32, h32)).toThrow(code);
      expect(() => ec.schnorrSign(h32, h32, bad)).toThrow(code);
      expect(() => ec.schnorrVerify(bad, h32, h32)).toThrow(code);
      expect(() => ec.schnorrVerify(h64, bad, h32)).toThrow(code);
      expect(() => ec.schnorrVerify(h64, h32, bad)).toThrow(code);
    }
  });
});

describe('the inverse of ElligatorSwift under the reference', () => {
  it('is that of BIP 324, with an encoding in the same cases', () => {
    expect(inverses.length).toBeGreaterThan(30);
    const { Fp } = secp256k1.Point;
    const number = (text: string) => Fp.fromBytes(hex(text), true);
    for (const { u, x, encodings } of inverses)
      expect(encodings.map((_, index) => elligatorSwift._inv(number(x), number(u), index))).toEqual(
        encodings.map((t) => (t === '' ? undefined : number(t))),
      );
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
    // Where a byte equals that of the order, the ones below it decide.
    const below = Uint8Array.from(ORDER);
    below[15] = ORDER[15]! - 1;
    below.fill(0xff, 16);
    const high = new Uint8Array(32);
    high[0] = 0x80;
    expect([one, last, below, high].map(isSecretKey)).toEqual([true, true, true, true]);
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
