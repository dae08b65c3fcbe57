// Faults of this package. What a peer sends is never thrown for: a line that cannot be read is a returned fault, and only what our own code
// asks to write and that has no form is thrown.

/** Why a line could not be read; only `line-too-long` ends its stream. */
export const lineFaultCodes = {
  'line-too-long': 'A line has more than 8,192 bytes: nothing behind it can be read either.',
  'line-not-utf8': 'The bytes of the line are no UTF-8.',
  'line-not-json': 'The line is no JSON.',
  'line-not-a-message': 'The JSON of the line is no object with a method, a result or an error.',
} as const;
/** A key of `lineFaultCodes`. */
export type LineFaultCode = keyof typeof lineFaultCodes;

/** Returned in the place of a message. */
export interface LineFault {
  readonly kind: 'fault';
  readonly code: LineFaultCode;
}

/** What our own code can ask for that no line can carry. */
export const sv1EncodeErrorCodes = {
  'value-out-of-range': 'A difficulty, an extranonce or a job id is outside of what its parameter can carry.',
} as const;
/** A key of `sv1EncodeErrorCodes`. */
export type Sv1EncodeErrorCode = keyof typeof sv1EncodeErrorCodes;

/** Thrown for a value that cannot be written: a fault of the caller, never of a peer. */
export class Sv1EncodeError extends Error {
  readonly code: Sv1EncodeErrorCode;

  constructor(code: Sv1EncodeErrorCode, message: string) {
    super(message);
    this.name = 'Sv1EncodeError';
    this.code = code;
  }
}
