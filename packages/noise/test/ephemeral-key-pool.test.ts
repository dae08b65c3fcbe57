import { randomBytes } from '@sluice/runtime/random';
import { describe, expect, it } from 'vitest';
import type { KeyPair } from '../src/ec.ts';
import { EphemeralKeyPool } from '../src/ephemeral-key-pool.ts';
import { nobleEc } from '../src/noble-ec.ts';

describe('EphemeralKeyPool', () => {
  const pool = () => new EphemeralKeyPool({ ec: nobleEc, random: randomBytes, capacity: 3 });

  it('is filled in portions and never beyond its capacity', () => {
    const keys = pool();
    expect([keys.fill(2), keys.size]).toEqual([true, 2]);
    expect([keys.fill(2), keys.size]).toEqual([false, 3]);
  });

  it('gives each key once, and a fresh one when it is empty', () => {
    const keys = pool();
    keys.fill(3);
    const taken: KeyPair[] = Array.from({ length: 5 }, () => keys.take());
    expect(new Set(taken.map(({ secret }) => Buffer.from(secret).toString('hex'))).size).toBe(5);
    for (const { secret, ellswift } of taken) {
      expect(nobleEc.ellswiftDecode(ellswift)).toEqual(nobleEc.xOnlyPublicKey(secret));
    }
    expect(keys.size).toBe(0);
  });

  it('zeroes what was not taken', () => {
    const secrets: Uint8Array[] = [];
    const random = (length: number) => {
      const bytes = randomBytes(length);
      secrets.push(bytes);
      return bytes;
    };
    const keys = new EphemeralKeyPool({ ec: nobleEc, random, capacity: 1 });
    keys.fill(1);
    keys.clear();
    expect(keys.size).toBe(0);
    expect(secrets[0]).toEqual(new Uint8Array(32));
  });
});
