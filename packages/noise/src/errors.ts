// Faults of this package. What a peer sends wrong is returned as a failure and ends its connection; only what our own code
// asks for in vain is thrown.

/** Why a handshake or a transport has ended. */
export const noiseFailureCodes = {
  'act-length': 'A handshake message has another length than its act.',
  'decryption-failed': 'A message authentication code is wrong: other keys, another order, or changed bytes.',
  'transport-destroyed': 'The owner of the connection has destroyed its keys; nothing more is read.',
  'payload-too-long': 'A frame header announces more than its message type may have.',
  'certificate-version': 'The certificate has a version that is not known.',
  'certificate-not-yet-valid': 'The certificate is valid from a later time on, by the clock of this host.',
  'certificate-expired': 'The certificate was valid until an earlier time, by the clock of this host.',
  'certificate-untrusted': 'The certificate is not signed by the expected authority key for the key of this server.',
} as const;
/** A key of `noiseFailureCodes`. */
export type NoiseFailureCode = keyof typeof noiseFailureCodes;

/** A returned failure; the connection is of no use any more. */
export interface NoiseFailure {
  readonly ok: false;
  readonly code: NoiseFailureCode;
}

/** The failure of this code. */
export function failure(code: NoiseFailureCode): NoiseFailure {
  return { ok: false, code };
}

/** What `NoiseError` can carry: each is a mistake of our own code or set-up. */
export const noiseErrorCodes = {
  'secret-key-invalid': 'A secret key is not 32 bytes or not a scalar from 1 to the order of the curve less 1.',
  'key-length': 'A key, hash, nonce or signature has another length than its type.',
  'secp256k1-module':
    'The WebAssembly module of libsecp256k1 does not load, or is not the one that this version is for.',
  'certificate-times': 'The times of a certificate are no whole seconds of 32 bits, or end before they begin.',
  'handshake-order':
    'An act of a handshake was asked for a second time, too early, or after the handshake was destroyed.',
  'cipher-destroyed': 'A cipher state was asked to seal after its key was zeroed.',
  'nonce-exhausted': 'A cipher state has used 2^53 nonces.',
} as const;
/** A key of `noiseErrorCodes`. */
export type NoiseErrorCode = keyof typeof noiseErrorCodes;

/** Thrown for what only our own code can do wrong. */
export class NoiseError extends Error {
  override readonly name = 'NoiseError';
  readonly code: NoiseErrorCode;

  constructor(code: NoiseErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
