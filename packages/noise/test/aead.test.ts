import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TAG_LENGTH } from '../src/aead.ts';
import { nobleAead } from '../src/noble-aead.ts';
import { aeadBackends } from './backends.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe.each(aeadBackends)('$name', (aead) => {
  it('seals and opens the example of RFC 8439 section 2.8.2', () => {
    const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
    const nonce = hex('070000004041424344454647');
    const ad = hex('50515253c0c1c2c3c4c5c6c7');
    const text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    const plain = Uint8Array.from(Buffer.from(text));
    const expected = hex(`
      d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
      3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
      92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
      3ff4def08e4b7a9de576d26586cec64b6116 1ae10b594f09e26a7e902ecbd0600691`);
    const out = new Uint8Array(plain.length + TAG_LENGTH);
    aead.seal(key, nonce, ad, plain, 0, plain.length, out, 0);
    expect(out).toEqual(expected);
    const opened = new Uint8Array(plain.length);
    expect(aead.open(key, nonce, ad, out, 0, plain.length, opened, 0)).toBe(true);
    expect(opened).toEqual(plain);
  });

  it('equals the reference on pieces of larger buffers', () => {
    const input = fc.record({
      key: bytes(32),
      nonce: bytes(12),
      ad: fc.uint8Array({ maxLength: 32 }),
      buffer: fc.uint8Array({ minLength: 200, maxLength: 1_600 }),
      offset: fc.nat(60),
      cut: fc.nat(60),
    });
    fc.assert(
      fc.property(input, ({ key, nonce, ad, buffer, offset, cut }) => {
        const length = buffer.length - offset - cut;
        const [ours, reference] = [new Uint8Array(length + 40), new Uint8Array(length + 40)];
        aead.seal(key, nonce, ad, buffer, offset, length, ours, 7);
        nobleAead.seal(key, nonce, ad, buffer, offset, length, reference, 7);
        expect(ours).toEqual(reference);
        expect(aead.open(key, nonce, ad, ours, 7, length, ours, 7)).toBe(true);
        expect(ours.subarray(7, 7 + length)).toEqual(buffer.subarray(offset, offset + length));
      }),
      { numRuns: 60 },
    );
  });

  it('refuses every changed bit and leaves the output alone', () => {
    const key = new Uint8Array(32).fill(1);
    const nonce = new Uint8Array(12);
    const ad = Uint8Array.of(9);
    const plain = Uint8Array.of(1, 2, 3);
    const sealed = new Uint8Array(plain.length + TAG_LENGTH);
    aead.seal(key, nonce, ad, plain, 0, plain.length, sealed, 0);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const out = new Uint8Array(plain.length);
      expect(aead.open(key, nonce, ad, changed, 0, plain.length, out, 0)).toBe(false);
      expect(out).toEqual(new Uint8Array(plain.length));
    }
    expect(aead.open(key, nonce, Uint8Array.of(8), sealed, 0, plain.length, new Uint8Array(3), 0)).toBe(false);
  });

  it('takes a whole Noise message', () => {
    const key = new Uint8Array(32).fill(7);
    const plain = Uint8Array.from({ length: 65_519 }, (_, i) => i & 0xff);
    const [ours, reference] = [new Uint8Array(65_535), new Uint8Array(65_535)];
    aead.seal(key, new Uint8Array(12), new Uint8Array(0), plain, 0, plain.length, ours, 0);
    nobleAead.seal(key, new Uint8Array(12), new Uint8Array(0), plain, 0, plain.length, reference, 0);
    expect(Buffer.compare(ours, reference)).toBe(0);
  });
});
