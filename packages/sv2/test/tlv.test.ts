import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeWorkerIdentity, negotiateExtensions, readWorkerIdentity } from '../src/extensions.ts';
import { encodeTlv, readTlvs } from '../src/tlv.ts';

const worker001 = Buffer.from('Worker_001');

test('a field is written little-endian, as the reference implementation does', () => {
  expect(Buffer.from(encodeTlv(0x0002, 0x01, worker001)).toString('hex')).toBe(
    `0200010a00${worker001.toString('hex')}`,
  );
});

test('the worked example of the specification, which is big-endian, is read too [sv2 3.4.3]', () => {
  const example = Buffer.from('000201000A576F726B65725F303031', 'hex');
  expect(readTlvs(example, 0, [0x0002])).toEqual([{ extensionType: 2, fieldType: 1, value: worker001 }]);
  expect(readWorkerIdentity(example, 0)).toBe('Worker_001');
});

const arbitraryTlv = fc.record({
  extensionType: fc.integer({ min: 1, max: 0x20 }),
  fieldType: fc.integer({ min: 0, max: 255 }),
  value: fc.uint8Array({ maxLength: 40 }),
});

test('the negotiated ones of any fields come back, in order', () => {
  fc.assert(
    fc.property(fc.array(arbitraryTlv), fc.uint8Array({ maxLength: 20 }), (tlvs, base) => {
      const payload = Buffer.concat([
        base,
        ...tlvs.map((tlv) => encodeTlv(tlv.extensionType, tlv.fieldType, tlv.value)),
      ]);
      const found = readTlvs(payload, base.length, [2, 7, 9]);
      expect(found).toEqual(
        tlvs
          .filter(({ extensionType }) => [2, 7, 9].includes(extensionType))
          .map((tlv) => ({ ...tlv, value: Buffer.from(tlv.value) })),
      );
    }),
  );
});

test('any bytes are fields or a fault, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      readTlvs(bytes, 0, [2]);
    }),
  );
});

test('what was not negotiated, and what is no field, is ignored', () => {
  expect(readTlvs(Uint8Array.of(9, 9), 0, [2])).toEqual([]);
  expect(readTlvs(encodeTlv(3, 1, worker001), 0, [2])).toEqual([]);
  expect(readTlvs(Uint8Array.of(3, 0, 1, 0xff, 0xff, 1), 0, [2])).toEqual([]);
});

test('a negotiated field that is cut off is a fault', () => {
  const whole = encodeTlv(2, 1, worker001);
  expect(readTlvs(whole.subarray(0, whole.length - 1), 0, [2])).toMatchObject({ ok: false, code: 'tlv-truncated' });
});

test('a worker identity has at most 32 bytes', () => {
  const longest = 'w'.repeat(32);
  expect(readWorkerIdentity(encodeWorkerIdentity(longest), 0)).toBe(longest);
  expect(readWorkerIdentity(encodeTlv(2, 1, new Uint8Array(33)), 0)).toMatchObject({ code: 'tlv-length-out-of-range' });
  expect(() => encodeWorkerIdentity('w'.repeat(33))).toThrow(expect.objectContaining({ code: 'value-out-of-range' }));
  expect(readWorkerIdentity(new Uint8Array(0), 0)).toBeUndefined();
  expect(readWorkerIdentity(encodeTlv(2, 2, worker001), 0)).toBeUndefined();
});

test.each([
  ['all supported', [2], [2], [], { supported: [2], unsupported: [], required: [], accepted: true }],
  ['a part supported', [2, 3], [2], [], { supported: [2], unsupported: [3], required: [], accepted: true }],
  ['none supported', [3], [2], [], { supported: [], unsupported: [3], required: [], accepted: false }],
  ['nothing requested', [], [2], [], { supported: [], unsupported: [], required: [], accepted: false }],
  ['a demanded one missing', [2, 3], [2, 5], [5], { supported: [], unsupported: [3], required: [5], accepted: false }],
  ['requested twice', [2, 2], [2], [], { supported: [2], unsupported: [], required: [], accepted: true }],
])('extensions: %s', (_name, requested, supports, demands, answer) => {
  expect(negotiateExtensions(requested, supports, demands)).toEqual(answer);
});
