import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TAG_LENGTH } from '../src/aead.ts';
import { nobleAead } from '../src/noble-aead.ts';
import { SHORT_LENGTH } from '../src/short-aead.ts';
import { wasmAead } from '../src/wasm-aead.ts';
import { aeadBackends } from './backends.ts';
import { withWatchedMemory } from './watched-memory.ts';

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

  it('opens the example of RFC 8439 appendix A.5', () => {
    const key = hex('1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0');
    const nonce = hex('000000000102030405060708');
    const ad = hex('f33388860000000000004e91');
    const sealed = hex(`
      64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2
      4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf
      332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855
      9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4
      b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e
      af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a
      0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10
      49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29
      a6ad5cb4022b02709b eead9d67890cbb22392336fea1851f38`);
    const length = sealed.length - TAG_LENGTH;
    const plain = new Uint8Array(length);
    expect(aead.open(key, nonce, ad, sealed, 0, length, plain, 0)).toBe(true);
    const text = Buffer.from(plain).toString();
    expect(text).toMatch(/^Internet-Drafts are draft documents valid for a maximum of six months/);
    expect(text).toMatch(/other than as \/\u201cwork in progress\.\/\u201d$/);
    expect(length).toBe(265);
  });

  it('equals the reference at every short length, and around the lengths of frames and blocks', () => {
    const key = new Uint8Array(32).fill(5);
    const nonce = new Uint8Array(12).fill(6);
    const source = Uint8Array.from({ length: 1_100 }, (_, i) => (i * 31) & 0xff);
    const lengths = [...Array.from({ length: 131 }, (_, i) => i), 255, 256, 257, 1_023, 1_024, 1_025];
    for (const length of lengths)
      for (const ad of [source.subarray(0, 0), source.subarray(0, 32)]) {
        const [ours, reference] = [new Uint8Array(length + 20), new Uint8Array(length + 20)];
        aead.seal(key, nonce, ad, source, 3, length, ours, 2);
        nobleAead.seal(key, nonce, ad, source, 3, length, reference, 2);
        expect([length, ours]).toEqual([length, reference]);
        expect(aead.open(key, nonce, ad, ours, 2, length, ours, 2)).toBe(true);
        expect(ours.subarray(2, 2 + length)).toEqual(source.subarray(3, 3 + length));
      }
  });

  it('equals the reference on pieces of larger buffers', () => {
    const input = fc.record({
      key: bytes(32),
      nonce: bytes(12),
      ad: fc.uint8Array({ maxLength: 32 }),
      buffer: fc.uint8Array({ minLength: 120, maxLength: 1_600 }),
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

describe('the memory of the modules', () => {
  it('is as at the start once it has forgotten, after short messages, long ones and refused ones', () => {
    const { made: aead, memories } = withWatchedMemory(wasmAead);
    const before = memories.map((memory) => memory.slice());
    const key = new Uint8Array(32).fill(0xab);
    const nonce = new Uint8Array(12).fill(0xcd);
    const ad = new Uint8Array(32).fill(0xef);
    for (const length of [0, 1, 63, 64, 65, 300, 65_519, 65_536, 6]) {
      const plain = new Uint8Array(length).fill(0x77);
      const sealed = new Uint8Array(length + TAG_LENGTH);
      for (const data of [ad, ad.subarray(32)]) {
        aead.seal(key, nonce, data, plain, 0, length, sealed, 0);
        aead.open(key, nonce, data, sealed, 0, length, plain, 0);
        if (length > 0) aead.open(key, nonce, data, plain, 0, Math.max(0, length - TAG_LENGTH), plain, 0);
      }
      const holding = memories.map((memory) => Buffer.from(memory.buffer).includes(Buffer.from(key)));
      expect(holding).toEqual([length - TAG_LENGTH <= SHORT_LENGTH, true]);
      aead.forget();
      const changed = memories.map((memory, index) => Buffer.compare(memory, before[index]!));
      expect([length, changed]).toEqual([length, memories.map(() => 0)]);
    }
    // Forgetting is no end: the next message is sealed as ever.
    const [ours, reference] = [new Uint8Array(26), new Uint8Array(26)];
    aead.seal(key, nonce, ad, ours, 0, 10, ours, 0);
    nobleAead.seal(key, nonce, ad, reference, 0, 10, reference, 0);
    expect(ours).toEqual(reference);
  });
});
