// What only the WebAssembly curve can get wrong; the vectors run through all curves in ec.test.ts.
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm, secp256k1WasmPath } from '@sluice/runtime/secp256k1-wasm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateSecret } from '../src/ec.ts';
import { fastestEc } from '../src/fastest-ec.ts';
import { nobleEc } from '../src/noble-ec.ts';
import { wasmEc } from '../src/wasm-ec.ts';
import { withWatchedMemory } from './watched-memory.ts';

const wasm = findSecp256k1Wasm();
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe.skipIf(wasm === undefined)('libsecp256k1 in WebAssembly', () => {
  const ec = fastestEc(wasm, randomBytes);

  it('is used where its module was built', () => {
    expect(ec.name).toBe('libsecp256k1');
    expect(fastestEc(undefined, randomBytes)).toBe(nobleEc);
  });

  it('equals the reference on random inputs', () => {
    fc.assert(
      fc.property(bytes(32), bytes(64), bytes(64), bytes(32), fc.boolean(), (seed, ours, theirs, random, initiator) => {
        const secret = generateSecret(() => seed);
        expect(ec.ellswiftXdh(secret, ours, theirs, initiator)).toEqual(
          nobleEc.ellswiftXdh(secret, ours, theirs, initiator),
        );
        expect(ec.ellswiftDecode(theirs)).toEqual(nobleEc.ellswiftDecode(theirs));
        expect(ec.schnorrSign(random, secret, seed)).toEqual(nobleEc.schnorrSign(random, secret, seed));
        expect(nobleEc.ellswiftDecode(ec.ellswiftCreate(secret, random))).toEqual(nobleEc.xOnlyPublicKey(secret));
      }),
      { numRuns: 20 },
    );
  });

  it('leaves nothing of a secret in the memory of the module', () => {
    const { made: watched, memory } = withWatchedMemory(() => wasmEc(wasm!, randomBytes));
    const before = memory.slice();
    const secret = generateSecret(randomBytes);
    const encoded = watched.ellswiftCreate(secret, randomBytes(32));
    watched.ellswiftXdh(secret, encoded, encoded, true);
    watched.schnorrSign(randomBytes(32), secret, randomBytes(32));
    expect(Buffer.compare(memory, before)).toBe(0);
    expect(() => watched.ellswiftXdh(secret, encoded, encoded.subarray(1), true)).toThrow();
    expect(() => watched.ellswiftCreate(secret, randomBytes(31))).toThrow();
    expect(() => watched.schnorrSign(randomBytes(32), secret, randomBytes(33))).toThrow();
    expect(Buffer.compare(memory, before)).toBe(0);
  });

  it('leaves nothing behind when the module traps or refuses', () => {
    let refusal = (): number => 0;
    const { made: watched, memory } = withWatchedMemory(
      () => wasmEc(wasm!, randomBytes),
      (exports) => ({ ...exports, x_only_public_key: () => refusal(), schnorr_sign: () => refusal() }),
    );
    const before = memory.slice();
    const secret = generateSecret(randomBytes);
    expect(() => watched.xOnlyPublicKey(secret)).toThrow(expect.objectContaining({ code: 'secp256k1-module' }));
    refusal = () => {
      expect(Buffer.from(memory.buffer).includes(Buffer.from(secret))).toBe(true);
      throw new Error('unreachable');
    };
    expect(() => watched.xOnlyPublicKey(secret)).toThrow('unreachable');
    expect(() => watched.schnorrSign(randomBytes(32), secret, randomBytes(32))).toThrow('unreachable');
    expect(Buffer.compare(memory, before)).toBe(0);
  });

  it('is not made of a module that lacks a function', () => {
    for (const name of ['memory', 'io', 'ellswift_xdh_responder', 'schnorr_verify']) {
      const make = () =>
        withWatchedMemory(
          () => wasmEc(wasm!, randomBytes),
          (exports) => ({ ...exports, [name]: undefined }),
        );
      expect(make).toThrow(expect.objectContaining({ code: 'secp256k1-module' }));
    }
  });
});

describe('loading', () => {
  it('refuses bytes that are no module, and another module', () => {
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    for (const module of [new Uint8Array(4), empty]) {
      expect(() => wasmEc(module, randomBytes)).toThrow(expect.objectContaining({ code: 'secp256k1-module' }));
    }
  });

  it('looks where the script puts it, or at the file that is named', () => {
    expect(secp256k1WasmPath({ XDG_CACHE_HOME: '/c' })).toMatch(/^\/c\/sluice\/secp256k1\/.*\.wasm$/);
    expect(secp256k1WasmPath({ SLUICE_SECP256K1_WASM: '/x.wasm' })).toBe('/x.wasm');
    expect(findSecp256k1Wasm({ XDG_CACHE_HOME: '/nowhere' })).toBeUndefined();
    expect(() => findSecp256k1Wasm({ SLUICE_SECP256K1_WASM: '/nowhere.wasm' })).toThrow('ENOENT');
  });
});
