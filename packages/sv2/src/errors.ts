// Faults of this package. Bytes of a peer that cannot be read are a returned `DecodeFault`; only a value that our own
// code asks to encode and that has no encoding is thrown.

/** Why bytes could not be read; each one ends the connection they came from. */
export const decodeFaultCodes = {
  'payload-truncated':
    'The payload ends before the last field of its message, or a length prefix points beyond its end.',
  'length-out-of-range': 'A length prefix is above the maximum of its data type (B0_32 longer than 32, OPTION of two).',
  'frame-too-long': 'A frame header announces a payload longer than its message type can have.',
  'tlv-truncated': 'A TLV header or value ends beyond the payload although TLV fields were negotiated.',
  'tlv-length-out-of-range': 'A negotiated TLV field is longer than its extension allows.',
} as const;
/** A key of `decodeFaultCodes`. */
export type DecodeFaultCode = keyof typeof decodeFaultCodes;

/** A returned fault: the code, and where it happened as `Message.field` when that is known. */
export interface DecodeFault {
  readonly ok: false;
  readonly code: DecodeFaultCode;
  readonly where: string;
}

/** What our own code can ask for that has no encoding. */
export const encodeErrorCodes = {
  'value-out-of-range': 'A number, byte array, string or list is outside of what its data type can carry.',
  'frame-too-long': 'The payload would be longer than the 2^24 - 1 bytes that a frame header can announce.',
} as const;
/** A key of `encodeErrorCodes`. */
export type EncodeErrorCode = keyof typeof encodeErrorCodes;

/** Thrown for a value that cannot be encoded: a fault of the caller, never of a peer. */
export class Sv2EncodeError extends Error {
  readonly code: EncodeErrorCode;

  constructor(code: EncodeErrorCode, message: string) {
    super(message);
    this.name = 'Sv2EncodeError';
    this.code = code;
  }
}
