import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CipherState } from '../src/cipher-state.ts';
import { NoiseReader, NoiseWriter, type PayloadLimit, type NoiseReader as Reader } from '../src/transport.ts';
import { wasmAead } from '../src/wasm-aead.ts';
import { aeadBackends } from './backends.ts';

const aead = wasmAead();
const cipher = () => new CipherState(aead, new Uint8Array(32).fill(3));
const pairOf = (limit: PayloadLimit = () => 0xff_ffff) => ({
  writer: new NoiseWriter(cipher()),
  reader: new NoiseReader(cipher(), limit),
});

interface Frame {
  readonly extensionType: number;
  readonly msgType: number;
  readonly payload: Uint8Array;
}

function seal(writer: NoiseWriter, { extensionType, msgType, payload }: Frame): Uint8Array {
  const length = payload.length;
  const header = [extensionType & 0xff, extensionType >> 8, msgType, length & 0xff, (length >> 8) & 0xff, length >> 16];
  const frame = new Uint8Array(6 + length);
  frame.set(header);
  frame.set(payload, 6);
  const out = new Uint8Array(writer.sealedLength(frame.length) + 3);
  expect(writer.seal(frame, out, 3)).toBe(out.length - 3);
  return out.slice(3);
}

function read(reader: Reader, chunks: Iterable<Uint8Array>): { frames: Frame[]; failure: string | undefined } {
  const frames: Frame[] = [];
  let failure: string | undefined;
  for (const chunk of chunks) {
    const result = reader.push(chunk, (extensionType, msgType, payload) =>
      frames.push({ extensionType, msgType, payload: payload.slice() }),
    );
    failure = result?.code;
  }
  return { frames, failure };
}

/** Cuts bytes at these places (as fractions of the whole). */
function* cutAt(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  const places = [...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const place of places) {
    yield bytes.slice(from, place);
    from = place;
  }
}

const frame = fc.record({
  extensionType: fc.nat(0xffff),
  msgType: fc.nat(0xff),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(0, 65_518, 65_519, 65_520, 131_039).map((n) => new Uint8Array(n).fill(n)),
  ),
});

describe('transport', () => {
  it('brings every frame through, however the stream is cut', () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), cuts, (frames, where) => {
        const { writer, reader } = pairOf();
        const bytes = Uint8Array.from(Buffer.concat(frames.map((one) => seal(writer, one))));
        expect(read(reader, cutAt(bytes, where))).toEqual({ frames, failure: undefined });
      }),
      { numRuns: 80 },
    );
  });

  it('brings frames through byte by byte', () => {
    const { writer, reader } = pairOf();
    const one = { extensionType: 0x8000, msgType: 0x1a, payload: Uint8Array.of(1, 2, 3) };
    const bytes = seal(writer, one);
    expect(
      read(
        reader,
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
      ),
    ).toEqual({ frames: [one], failure: undefined });
  });

  it('ends on a changed byte, for good, and hands on nothing behind it', () => {
    const one = { extensionType: 0, msgType: 1, payload: new Uint8Array(40) };
    const length = seal(pairOf().writer, one).length;
    for (let at = 0; at < length; at++) {
      const { writer, reader } = pairOf();
      const bytes = seal(writer, one);
      bytes[at]! ^= 0x80;
      expect(read(reader, [bytes])).toEqual({ frames: [], failure: 'decryption-failed' });
      expect(read(reader, [seal(writer, one)])).toEqual({ frames: [], failure: 'decryption-failed' });
    }
  });

  it('ends on a frame that was left out or came twice', () => {
    const one = { extensionType: 0, msgType: 1, payload: new Uint8Array(4) };
    const { writer, reader } = pairOf();
    const [first, second] = [seal(writer, one), seal(writer, one)];
    expect(read(reader, [second]).failure).toBe('decryption-failed');
    const again = pairOf();
    expect(read(again.reader, [first.slice(), first]).failure).toBe('decryption-failed');
  });

  it('keeps nothing of a payload beyond the limit of its type', () => {
    const limit: PayloadLimit = (extensionType, msgType) => (extensionType === 0x8000 && msgType === 7 ? 10 : 0);
    const payload = (length: number) => ({ extensionType: 0x8000, msgType: 7, payload: new Uint8Array(length) });
    const good = pairOf(limit);
    expect(read(good.reader, [seal(good.writer, payload(10))]).frames).toHaveLength(1);
    const bad = pairOf(limit);
    // The header alone is enough.
    expect(read(bad.reader, [seal(bad.writer, payload(11)).subarray(0, 22)]).failure).toBe('payload-too-long');
  });

  it('holds no more memory than twice what has arrived, whatever a header announces', () => {
    const length = 1_000_000;
    const { writer, reader } = pairOf();
    const bytes = seal(writer, { extensionType: 0, msgType: 1, payload: new Uint8Array(length) });
    const never = () => expect.unreachable();
    expect(reader.push(bytes.slice(0, 23), never)).toBeUndefined();
    expect(reader.heldBytes).toBeLessThanOrEqual(512);
    for (let at = 23; at < bytes.length - 1_000; at += 1_000) {
      expect(reader.push(bytes.slice(at, at + 1_000), never)).toBeUndefined();
      expect(reader.heldBytes).toBeLessThanOrEqual(512 + 2 * at + 2_000);
    }
    reader.destroy();
    expect(reader.heldBytes).toBe(0);
  });

  it('reads nothing behind a frame at which the reader was destroyed, not even what is sealed under the zero key', () => {
    const { writer, reader } = pairOf();
    const one = { extensionType: 0, msgType: 1, payload: Uint8Array.of(1) };
    const authentic = seal(writer, one);
    for (const counter of [0, 2]) {
      const forger = new NoiseWriter(new CipherState(aead, new Uint8Array(32), counter));
      const chunk = Uint8Array.from(Buffer.concat([authentic, seal(forger, one)]));
      const frames: number[] = [];
      const again = pairOf().reader;
      const onFrame = (_extensionType: number, msgType: number) => {
        frames.push(msgType);
        again.destroy();
      };
      expect(again.push(chunk, onFrame)).toEqual({ ok: false, code: 'transport-destroyed' });
      expect(again.push(seal(forger, one), onFrame)).toEqual({ ok: false, code: 'transport-destroyed' });
      expect(frames).toEqual([1]);
    }
    expect(reader.push(authentic, () => undefined)).toBeUndefined();
  });
});

describe('cipher state', () => {
  const nothing = new Uint8Array(0);
  /** Nonces, in hexadecimal, of the messages that a state seals from `counter` on. */
  const spyFrom = (counter?: number) => {
    const nonces: string[] = [];
    const seal = (_key: Uint8Array, nonce: Uint8Array) => void nonces.push(Buffer.from(nonce).toString('hex'));
    const state = new CipherState({ name: 'spy', seal, open: () => true, forget() {} }, new Uint8Array(32), counter);
    return { nonces, state, sealOne: () => state.seal(nothing, nothing, 0, 0, nothing, 0) };
  };

  it('counts in 64 bits', () => {
    const { nonces, sealOne } = spyFrom();
    for (let i = 0; i < 257; i++) sealOne();
    expect([nonces[0], nonces[1], nonces[256]]).toEqual([
      '000000000000000000000000',
      '000000000100000000000000',
      '000000000001000000000000',
    ]);
    const high = spyFrom(0xffff_ffff);
    high.sealOne();
    high.sealOne();
    expect(high.nonces).toEqual(['00000000ffffffff00000000', '000000000000000001000000']);
  });

  it('ends with its nonces, without using one twice', () => {
    const { nonces, state, sealOne } = spyFrom(Number.MAX_SAFE_INTEGER - 1);
    sealOne();
    sealOne();
    for (let i = 0; i < 2; i++) expect(sealOne).toThrow(expect.objectContaining({ code: 'nonce-exhausted' }));
    expect(state.open(nothing, nothing, 0, 0, nothing, 0)).toBe(false);
    expect(nonces).toEqual(['00000000feffffffffff1f00', '00000000ffffffffffff1f00']);
  });

  it.each(aeadBackends)('seals and opens nothing once it was destroyed, on $name', (backend) => {
    const key = new Uint8Array(32).fill(9);
    const state = new CipherState(backend, key);
    const sealed = new Uint8Array(17);
    new CipherState(backend, new Uint8Array(32)).seal(nothing, Uint8Array.of(1), 0, 1, sealed, 0);
    state.destroy();
    state.destroy();
    expect(key).toEqual(new Uint8Array(32));
    const out = new Uint8Array(17);
    expect(state.open(nothing, sealed, 0, 1, out, 0)).toBe(false);
    expect(() => state.seal(nothing, Uint8Array.of(1), 0, 1, out, 0)).toThrow(
      expect.objectContaining({ code: 'cipher-destroyed' }),
    );
    expect(out).toEqual(new Uint8Array(17));
  });
});
