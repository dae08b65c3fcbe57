import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../src/byte-cursor.ts';
import { isBusError } from '../src/errors.ts';
import type { Payload } from '../src/payload-codec.ts';
import { subjects } from '../src/subjects.ts';
import { samples } from './payload-samples.ts';

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors/payloads.json'), 'utf8')) as Record<
  string,
  string
>;
/** What the version before wrote of the sample of the same name. */
const CREDIT_BATCH_1 =
  '010700000000000000010000000000000002000000000000000001000000000000000300000000000000020000000100000001006101007702000000f0debc9a7856341200000000000000000000000000000000000000000000008001000000020100000009006869676820686173680400000000000000';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The code of a refusal; anything else that is thrown is a failure of the test. */
function decodeOutcome(payload: Payload<unknown>, bytes: Uint8Array): 'decoded' | 'refused' {
  try {
    payload.decode(bytes);
    return 'decoded';
  } catch (error) {
    if (!isBusError(error, 'bus-bad-payload')) throw error;
    return 'refused';
  }
}

describe('payloads', () => {
  it.each(samples)('$name has the bytes of the golden file and comes back from them', ({ name, payload, value }) => {
    const encoded = payload.encode(value);
    expect(hex(encoded)).toBe(golden[name]);
    expect(encoded[0]).toBe(payload.version);
    expect(payload.decode(encoded)).toEqual(value);
    // As it arrives from a socket: a view of a larger buffer.
    const padded = Buffer.concat([Buffer.alloc(3), encoded, Buffer.alloc(3)]);
    expect(payload.decode(padded.subarray(3, 3 + encoded.length))).toEqual(value);
  });

  it('are all in the golden file, and nothing else is', () => {
    expect(Object.keys(golden).sort()).toEqual(samples.map(({ name }) => name).sort());
    const sampled = new Set(samples.map(({ payload }) => payload.name));
    for (const { payload, ...declared } of Object.values(subjects)) {
      if (payload !== 'ShareBatch') expect(sampled).toContain(payload.name);
      if ('reply' in declared) expect(sampled).toContain(declared.reply.name);
    }
  });

  it.each(samples)(
    '$name is refused at every shorter length, with a byte more, and in another version',
    ({ payload, value }) => {
      const encoded = payload.encode(value);
      for (let length = 0; length < encoded.length; length++) {
        expect(decodeOutcome(payload, encoded.subarray(0, length))).toBe('refused');
      }
      expect(decodeOutcome(payload, Buffer.concat([encoded, Buffer.alloc(1)]))).toBe('refused');
      expect(decodeOutcome(payload, Uint8Array.of(payload.version + 1, ...encoded.subarray(1)))).toBe('refused');
    },
  );

  it('are read in the version before, which a stream may still hold', () => {
    const template = samples.find(({ name }) => name === 'Template')!;
    const [, ...rest] = template.payload.encode(template.value);
    const before = Uint8Array.of(1, ...rest.slice(0, -4));
    expect(template.payload.decode(before)).toEqual({ ...(template.value as object), sigopsCost: 0 });
    expect(decodeOutcome(template.payload, before.subarray(0, -1))).toBe('refused');
    const credit = samples.find(({ name }) => name === 'CreditBatch')!;
    const creditBefore = Buffer.from(CREDIT_BATCH_1, 'hex');
    expect(credit.payload.decode(creditBefore)).toEqual({ ...(credit.value as object), minerPaid: [] });
    expect(decodeOutcome(credit.payload, creditBefore.subarray(0, -1))).toBe('refused');
    const tip = samples.find(({ name }) => name === 'TipNews')!;
    const now = tip.payload.encode(tip.value);
    // Version byte, name and hash; then the length of the header, which version 1 did not have.
    const header = 1 + 2 + 'provider-a'.length + 32;
    const tipBefore = Uint8Array.of(1, ...now.subarray(1, header), ...now.subarray(header + 4));
    expect(tip.payload.decode(tipBefore)).toEqual(tip.value);
    expect(decodeOutcome(tip.payload, tipBefore.subarray(0, -1))).toBe('refused');
  });

  it('know a header of 80 bytes, and none', () => {
    const { payload, value } = samples.find(({ name }) => name === 'TipNews')!;
    const wrong = { ...(value as object), header: new Uint8Array(79) };
    expect(() => payload.encode(wrong)).toThrow('bus-bad-payload');
  });

  it('are decoded or refused, whatever the bytes are', () => {
    const changed = fc.tuple(
      fc.nat(samples.length - 1),
      fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { maxLength: 4 }),
    );
    fc.assert(
      fc.property(changed, ([index, changes]) => {
        const { payload, value } = samples[index]!;
        const bytes = payload.encode(value);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        decodeOutcome(payload, bytes);
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.nat(samples.length - 1), fc.uint8Array({ maxLength: 200 }), (index, bytes) => {
        decodeOutcome(samples[index]!.payload, Uint8Array.of(1, ...bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuse values that their fields cannot hold', () => {
    const out = new ByteWriter();
    for (const write of [
      () => out.u8(256),
      () => out.u16(-1),
      () => out.u32(2 ** 32),
      () => out.u32(1.5),
      () => out.u48(2 ** 48),
      () => out.u64(2n ** 64n),
      () => out.u64(-1n),
      () => out.u256(2n ** 256n),
      () => out.text('x'.repeat(65_536)),
    ]) {
      expect(write).toThrow('bus-bad-payload');
    }
  });

  it('carry integers of every width exactly', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.integer({ min: 0, max: 2 ** 48 - 1 }),
        fc.string(),
        (u256, u64, u48, text) => {
          fc.pre(text.isWellFormed());
          const out = new ByteWriter();
          out.u256(u256);
          out.u64(u64);
          out.u48(u48);
          out.text(text);
          const input = new ByteReader(out.finish());
          expect([input.u256(), input.u64(), input.u48(), input.text(), input.remaining]).toEqual([
            u256,
            u64,
            u48,
            text,
            0,
          ]);
        },
      ),
    );
  });

  it('give views that copy when they are sliced, also from a Buffer', () => {
    const input = new ByteReader(Buffer.from([3, 0, 0, 0, 1, 2, 3]));
    const view = input.bytes();
    view.slice()[0] = 9;
    expect([...view]).toEqual([1, 2, 3]);
  });
});
