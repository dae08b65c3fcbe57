// TLV fields behind a message's own fields [sv2 3.4.3]: type (extension_type U16, field_type U8), length U16, value.
//
// Byte order: section 3.1 says that every multi-byte type is little-endian and the deployed reference implementation
// writes TLV headers so; the worked example of 3.4.3 shows big-endian ones. We write little-endian and read both: the
// first field's extension_type is one that was negotiated in one order only, and that order holds for the list.
import { readU16, writeU16 } from './bytes.ts';
import { type DecodeFault, Sv2EncodeError } from './errors.ts';

/** Bytes of a TLV field before its value. */
export const TLV_HEADER_SIZE = 5;

/** A field behind a message's own. */
export interface Tlv {
  readonly extensionType: number;
  readonly fieldType: number;
  /** A view of the payload that it was read from. */
  readonly value: Uint8Array;
}

/** One TLV field. */
export function encodeTlv(extensionType: number, fieldType: number, value: Uint8Array): Uint8Array {
  if (value.length > 0xffff)
    throw new Sv2EncodeError('value-out-of-range', `a TLV value of ${value.length} bytes does not fit its U16 length`);
  const out = new Uint8Array(TLV_HEADER_SIZE + value.length);
  writeU16(out, 0, extensionType);
  out[2] = fieldType;
  writeU16(out, 3, value.length);
  out.set(value, TLV_HEADER_SIZE);
  return out;
}

/**
 * The fields of negotiated extensions from `offset` (the end of the message's own fields) on. Fields of other
 * extensions, and bytes that are no field, are ignored, as the specification asks; a negotiated field that is cut off
 * is a fault.
 */
export function readTlvs(payload: Uint8Array, offset: number, negotiated: readonly number[]): Tlv[] | DecodeFault {
  const fields: Tlv[] = [];
  if (payload.length - offset < TLV_HEADER_SIZE) return fields;
  const bigEndian =
    !negotiated.includes(readU16(payload, offset)) && negotiated.includes(readU16BigEndian(payload, offset));
  const read = bigEndian ? readU16BigEndian : readU16;
  for (let start = offset; payload.length - start >= TLV_HEADER_SIZE; ) {
    const extensionType = read(payload, start);
    const end = start + TLV_HEADER_SIZE + read(payload, start + 3);
    if (negotiated.includes(extensionType)) {
      if (end > payload.length) return { ok: false, code: 'tlv-truncated', where: `extension ${extensionType}` };
      const value = payload.subarray(start + TLV_HEADER_SIZE, end);
      fields.push({ extensionType, fieldType: payload[start + 2]!, value });
    }
    start = end;
  }
  return fields;
}

function readU16BigEndian(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}
