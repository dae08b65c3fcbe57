import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { randomBytes } from '@sluice/runtime/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandshakeHash } from '../src/handshake-hash.ts';
import { withWatchedMemory } from './watched-memory.ts';

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });

describe('HandshakeHash', () => {
  it('equals the reference', () => {
    const hash = new HandshakeHash();
    fc.assert(
      fc.property(bytes(0, 100), bytes(0, 412), bytes(32, 32), bytes(0, 100), (first, second, key, material) => {
        expect(hash.hash(first, second)).toEqual(sha256(Uint8Array.of(...first, ...second)));
        const [one, two] = hash.hkdf2(key, material);
        expect(Uint8Array.of(...one, ...two)).toEqual(hkdf(sha256, material, key, new Uint8Array(0), 64));
      }),
    );
  });

  it('refuses what the module has no room for', () => {
    const hash = new HandshakeHash();
    expect(() => hash.hash(new Uint8Array(500), new Uint8Array(13))).toThrow(RangeError);
  });

  it('forgets what it has hashed', () => {
    const { made: hash, memory } = withWatchedMemory(() => new HandshakeHash());
    hash.forget();
    const fresh = memory.slice();
    const [key, material] = [randomBytes(32), randomBytes(32)];
    hash.hkdf2(key, material);
    expect(Buffer.compare(memory, fresh)).not.toBe(0);
    hash.forget();
    expect(Buffer.compare(memory, fresh)).toBe(0);
    hash.hash(randomBytes(32), randomBytes(300));
    hash.forget();
    expect(Buffer.compare(memory, fresh)).toBe(0);
  });
});
