import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as types from '../src/data-types.ts';
import { PayloadReader } from '../src/payload-reader.ts';
import { arbitraryOf } from './arbitrary-message.ts';

const { B0_16M, B0_255, B0_32, B0_64K, BOOL, F32, OPTION, SEQ0_255, SEQ0_64K, STR0_255, U16, U24, U256, U32, U64, U8 } =
  types;

function encode<T>(type: types.DataType<T>, value: T): Uint8Array {
  const out = new Uint8Array(type.size(value));
  expect(type.write(out, 0, value)).toBe(out.length);
  return out;
}

function decode<T>(type: types.DataType<T>, bytes: readonly number[] | Uint8Array): T | string {
  const reader = new PayloadReader(Uint8Array.from(bytes));
  const value = type.read(reader);
  return reader.fault ?? value;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('vectors', () => {
  test.each<[string, types.DataType<never>, unknown, string]>([
    ['U8', U8 as never, 0xab, 'ab'],
    ['U16', U16 as never, 0x0102, '0201'],
    ['U24', U24 as never, 0x010203, '030201'],
    ['U32', U32 as never, 0xfffefdfc, 'fcfdfeff'],
    ['U64', U64 as never, 0x0102030405060708n, '0807060504030201'],
    ['F32', F32 as never, 1.5, '0000c03f'],
    ['BOOL', BOOL as never, true, '01'],
    ['STR0_255', STR0_255 as never, 'aé', '0361c3a9'],
    ['B0_64K', B0_64K as never, Uint8Array.of(7), '010007'],
    ['B0_16M', B0_16M as never, Uint8Array.of(7, 8), '0200000708'],
    ['OPTION[U32], empty', OPTION(U32) as never, undefined, '00'],
    ['OPTION[U32], set', OPTION(U32) as never, 1, '0101000000'],
    ['SEQ0_255[U16]', SEQ0_255(U16) as never, [1, 2], '0201000200'],
    ['SEQ0_64K[B0_255]', SEQ0_64K(B0_255) as never, [Uint8Array.of(1), new Uint8Array(0)], '0200010100'],
  ])('%s', (_name, type, value, expected) => {
    expect(hex(encode(type, value as never))).toBe(expected);
    expect(decode(type, Buffer.from(expected, 'hex'))).toEqual(value);
  });
});

test('the seven high bits of a BOOL mean nothing', () => {
  expect(decode(BOOL, [0xff])).toBe(true);
  expect(decode(BOOL, [0xfe])).toBe(false);
});

test('F32 writes what single precision can hold, and refuses what it would make infinite', () => {
  const LARGEST = 2 ** 128 - 2 ** 104;
  for (const value of [0, -1.5, LARGEST, -LARGEST, Number.POSITIVE_INFINITY]) {
    const out = new Uint8Array(4);
    F32.write(out, 0, value);
    expect(decode(F32, [...out])).toBe(value);
  }
  for (const value of [2 ** 128, -(2 ** 128), 1e39, Number.MAX_VALUE])
    expect(() => F32.write(new Uint8Array(4), 0, value)).toThrow(
      expect.objectContaining({ code: 'value-out-of-range' }),
    );
});

test('F32 reads what is no hash rate as it stands', () => {
  expect(decode(F32, [0, 0, 0xc0, 0x7f])).toBeNaN();
  expect(decode(F32, [0, 0, 0x80, 0xff])).toBe(-Infinity);
});

test('a length above the maximum of its type is a fault', () => {
  expect(decode(B0_32, [33, ...new Uint8Array(33)])).toBe('length-out-of-range');
  expect(decode(OPTION(U8), [2, 1, 1])).toBe('length-out-of-range');
});

test('a list longer than its payload is refused before an element is read', () => {
  let reads = 0;
  const counted: types.DataType<number> = {
    ...U16,
    read(reader) {
      reads++;
      return U16.read(reader);
    },
  };
  expect(decode(SEQ0_64K(counted), [0xff, 0xff, 1, 0])).toBe('payload-truncated');
  expect(reads).toBe(0);
});

test('decoded bytes are owned: changing the payload does not change them', () => {
  const payload = Uint8Array.of(2, 5, 6);
  const value = B0_32.read(new PayloadReader(payload));
  payload.fill(0);
  expect(value).toEqual(Uint8Array.of(5, 6));
});

test('a Buffer as payload gives plain arrays that do not share its pool', () => {
  const value = B0_32.read(new PayloadReader(Buffer.from([1, 9])));
  expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype);
  expect(value.byteLength).toBe(value.buffer.byteLength);
});

test.each<[types.DataType<never>, unknown]>([
  [U8 as never, 256],
  [U8 as never, -1],
  [U16 as never, 1.5],
  [U24 as never, 2 ** 24],
  [U32 as never, 2 ** 32],
  [U32 as never, Number.NaN],
  [U64 as never, 2n ** 64n],
  [U64 as never, -1n],
  [U256 as never, new Uint8Array(31)],
  [B0_32 as never, new Uint8Array(33)],
  [B0_255 as never, new Uint8Array(256)],
  [B0_64K as never, new Uint8Array(65_536)],
  [STR0_255 as never, 'x'.repeat(256)],
  [STR0_255 as never, '\ud800'],
  [SEQ0_255(U8) as never, new Array(256).fill(0)],
  [SEQ0_64K(U8) as never, new Array(65_536).fill(0)],
])('%o cannot encode a value out of its range', (type, value) => {
  const room = new Uint8Array(70_000);
  expect(() => type.write(room, 0, value as never)).toThrow(expect.objectContaining({ code: 'value-out-of-range' }));
});

test('the greatest lengths survive', () => {
  for (const [type, length] of [
    [B0_32, 32],
    [B0_255, 255],
    [B0_64K, 65_535],
    [B0_16M, 2 ** 24 - 1],
  ] as const) {
    const encoded = encode(type, new Uint8Array(length).fill(3));
    expect(encoded.length).toBe(type.maxSize);
    expect((decode(type, encoded) as Uint8Array).length).toBe(length);
  }
  expect(decode(SEQ0_64K(U16), encode(SEQ0_64K(U16), new Array(65_535).fill(9)))).toHaveLength(65_535);
});

const everyType: types.DataType<never>[] = [
  ...[BOOL, U8, U16, U24, U32, U64, U256, F32, types.MAC, types.PUBKEY, types.SIGNATURE],
  ...[STR0_255, B0_32, B0_255, B0_64K, B0_16M],
  ...[OPTION(U32), SEQ0_255(U256), SEQ0_64K(U16), SEQ0_64K(B0_16M)],
] as never[];

test.each(everyType)('$name: round trip, sizes within bounds, every shorter payload truncated', (type) => {
  fc.assert(
    fc.property(arbitraryOf(type.name), (value) => {
      const encoded = encode(type, value as never);
      expect(encoded.length).toBeGreaterThanOrEqual(type.minSize);
      expect(encoded.length).toBeLessThanOrEqual(type.maxSize);
      expect(decode(type, encoded)).toEqual(value);
      for (const length of [0, encoded.length >> 1, encoded.length - 1])
        if (length < encoded.length) expect(decode(type, encoded.subarray(0, length))).toBe('payload-truncated');
    }),
    { numRuns: 50 },
  );
});
