import { instantiate, type MemoryExport } from '@sluice/wasm-writer/instantiate';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TAG_LENGTH } from '../src/aead.ts';
import { nobleAead } from '../src/noble-aead.ts';
import { SHORT_LENGTH, ShortAead } from '../src/short-aead.ts';
import { MESSAGE_AT, STREAM_AT, TAG_AT } from '../src/short-aead-memory.ts';
import { shortAeadModule } from '../src/short-aead-module.ts';
import { withWatchedMemory } from './watched-memory.ts';

const NOTHING = new Uint8Array(0);
const CLAMP = 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffffn;
const PRIME = 2n ** 130n - 5n;

interface Exports extends MemoryExport {
  tag(stream: number, length: number): void;
}

const numberOf = (bytes: Uint8Array) => [...bytes].reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
const bytesOf = (value: bigint, length: number) =>
  Uint8Array.from({ length }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));

/** Poly1305 as RFC 8439 writes it, over a ciphertext as its section 2.8 pads it. */
function referenceTag(oneTimeKey: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(ciphertext.length / 16) * 16 + 16);
  padded.set(ciphertext);
  padded[padded.length - 8] = ciphertext.length;
  const factor = numberOf(oneTimeKey.subarray(0, 16)) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < padded.length; at += 16)
    sum = ((sum + numberOf(padded.subarray(at, at + 16)) + 2n ** 128n) * factor) % PRIME;
  return bytesOf(sum + numberOf(oneTimeKey.subarray(16)), 16);
}

describe('the tag', () => {
  const { memory, tag } = instantiate<Exports>(shortAeadModule());
  const bytes = new Uint8Array(memory.buffer);
  const tagOf = (oneTimeKey: Uint8Array, ciphertext: Uint8Array) => {
    bytes.set(oneTimeKey, STREAM_AT);
    bytes.fill(0xee, MESSAGE_AT, TAG_AT);
    bytes.set(ciphertext, MESSAGE_AT);
    tag(STREAM_AT, ciphertext.length);
    return bytes.slice(TAG_AT, TAG_AT + TAG_LENGTH);
  };

  it('equals the reference where the sum is at the prime, and where all bits are set', () => {
    // By one the sum stays as it is: two blocks and the lengths come to 2^130 less a few.
    const one = new Uint8Array(32);
    one[0] = 1;
    for (let less = 0n; less < 12n; less += 1n) {
      const ciphertext = new Uint8Array(32);
      ciphertext.set(bytesOf(2n ** 128n - less - 32n * 2n ** 64n, 16));
      expect([less, tagOf(one, ciphertext)]).toEqual([less, referenceTag(one, ciphertext)]);
    }
    for (const fill of [0, 0xff])
      for (let length = 0; length <= SHORT_LENGTH; length++) {
        const ciphertext = new Uint8Array(length).fill(fill);
        for (const key of [new Uint8Array(32).fill(0xff), one, new Uint8Array(32)])
          expect([length, tagOf(key, ciphertext)]).toEqual([length, referenceTag(key, ciphertext)]);
      }
  });

  it('equals the reference for any key and ciphertext', () => {
    const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(keys, fc.uint8Array({ maxLength: SHORT_LENGTH }), (key, ciphertext) => {
        expect(tagOf(key, ciphertext)).toEqual(referenceTag(key, ciphertext));
      }),
      { numRuns: 500 },
    );
  });
});

describe('ShortAead', () => {
  it('equals the reference whatever came before: the next nonce, another one, another key in the same place', () => {
    const nonces = fc.record({
      first: fc.constantFrom(0, 0, 0, 7),
      low: fc.constantFrom(0, 1, 2, 3, 0xffff_fffe, 0xffff_ffff),
      high: fc.constantFrom(0, 0, 0, 1, 0xffff_ffff),
    });
    const messages = fc.record({
      fill: fc.constantFrom(1, 1, 1, 2),
      inPlace: fc.boolean(),
      nonce: nonces,
      plain: fc.uint8Array({ maxLength: SHORT_LENGTH }),
    });
    fc.assert(
      fc.property(fc.array(messages, { minLength: 2, maxLength: 12 }), (sequence) => {
        const aead = new ShortAead();
        const shared = new Uint8Array(32);
        for (const { fill, inPlace, nonce, plain } of sequence) {
          const key = inPlace ? shared.fill(fill) : new Uint8Array(32).fill(fill);
          const written = Buffer.alloc(12);
          written.writeUInt32LE(nonce.first, 0);
          written.writeUInt32LE(nonce.low, 4);
          written.writeUInt32LE(nonce.high, 8);
          const [ours, reference] = [new Uint8Array(plain.length + 20), new Uint8Array(plain.length + 20)];
          aead.seal(key, written, plain, 0, plain.length, ours, 2);
          nobleAead.seal(key, written, NOTHING, plain, 0, plain.length, reference, 2);
          expect(ours).toEqual(reference);
          expect(aead.open(key, written, ours, 2, plain.length, ours, 2)).toBe(true);
          expect(ours.subarray(2, 2 + plain.length)).toEqual(plain);
        }
      }),
    );
  });

  it('has nothing left of keys, streams and messages once it has forgotten', () => {
    const { made: aead, memory } = withWatchedMemory(() => new ShortAead());
    const before = memory.slice();
    const key = new Uint8Array(32).fill(0xab);
    const nonce = new Uint8Array(12).fill(0xcd);
    for (const length of [0, 1, 24, SHORT_LENGTH]) {
      const sealed = new Uint8Array(length + TAG_LENGTH);
      aead.seal(key, nonce, sealed, 0, length, sealed, 0);
      expect(Buffer.from(memory.buffer).includes(Buffer.from(key))).toBe(true);
      expect(aead.open(key, nonce, sealed, 0, length, sealed, 0)).toBe(true);
      aead.forget();
      expect([length, Buffer.compare(memory, before)]).toEqual([length, 0]);
      // What was made for a next message is not used for it any more either.
      const [ours, reference] = [new Uint8Array(26), new Uint8Array(26)];
      aead.seal(key, nonce, ours, 0, 10, ours, 0);
      nobleAead.seal(key, nonce, NOTHING, reference, 0, 10, reference, 0);
      expect(ours).toEqual(reference);
      aead.forget();
    }
  });
});
