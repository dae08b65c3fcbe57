// The certificate by which an authority vouches for a server's static key [sv2 4.5.3].
import { sha256 } from '@noble/hashes/sha2.js';
import { type EcBackend, requireLength } from './ec.ts';
import { NoiseError, type NoiseFailureCode } from './errors.ts';

/** What a server sends of its certificate; the key it is for goes ahead of it in the handshake. */
export interface Certificate {
  readonly version: number;
  /** Unix seconds. */
  readonly validFrom: number;
  /** Unix seconds. */
  readonly notValidAfter: number;
  /** 64 bytes [BIP340]. */
  readonly signature: Uint8Array;
}

/** SIGNATURE_NOISE_MESSAGE: version U16, valid_from U32, not_valid_after U32, signature. */
export const CERTIFICATE_LENGTH = 74;
const SIGNED_LENGTH = 10;
/** The only version there is. */
export const CERTIFICATE_VERSION = 0;
/** Clocks of miners are not exact; as much as the reference implementation allows. */
const CLOCK_LEEWAY_SECONDS = 10;

/** 74 bytes, integers little-endian. @throws NoiseError `certificate-times`, `key-length`. */
export function encodeCertificate({ version, validFrom, notValidAfter, signature }: Certificate): Uint8Array {
  if (!isTime(validFrom) || !isTime(notValidAfter)) {
    throw new NoiseError('certificate-times', `${validFrom} to ${notValidAfter} are no Unix seconds of 32 bits`);
  }
  requireLength(signature, CERTIFICATE_LENGTH - SIGNED_LENGTH);
  const bytes = new Uint8Array(CERTIFICATE_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, version, true);
  view.setUint32(2, validFrom, true);
  view.setUint32(6, notValidAfter, true);
  bytes.set(signature, SIGNED_LENGTH);
  return bytes;
}

function isTime(seconds: number): boolean {
  return Number.isInteger(seconds) && seconds >= 0 && seconds <= 0xffff_ffff;
}

/** `undefined`: not 74 bytes. */
export function decodeCertificate(bytes: Uint8Array): Certificate | undefined {
  if (bytes.length !== CERTIFICATE_LENGTH) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    version: view.getUint16(0, true),
    validFrom: view.getUint32(2, true),
    notValidAfter: view.getUint32(6, true),
    signature: bytes.slice(SIGNED_LENGTH),
  };
}

/** SHA-256 of the signed fields and the server's x-only key. */
function signedHash(certificate: Omit<Certificate, 'signature'>, staticPublicKey: Uint8Array): Uint8Array {
  const fields = encodeCertificate({ ...certificate, signature: new Uint8Array(64) }).subarray(0, SIGNED_LENGTH);
  return sha256.create().update(fields).update(staticPublicKey).digest();
}

/** What an authority says about a server, and by what. */
export interface SignCertificateOptions {
  readonly ec: EcBackend;
  /** 32 bytes. */
  readonly authoritySecret: Uint8Array;
  /** 32 bytes, x-only. */
  readonly staticPublicKey: Uint8Array;
  /** Unix seconds. */
  readonly validFrom: number;
  /** Unix seconds. */
  readonly notValidAfter: number;
  /** 32 fresh bytes. */
  readonly random: Uint8Array;
}

/** @throws NoiseError `certificate-times`, `secret-key-invalid`, `key-length`. */
export function signCertificate(options: SignCertificateOptions): Certificate {
  const { ec, authoritySecret, staticPublicKey, validFrom, notValidAfter, random } = options;
  if (validFrom > notValidAfter) {
    throw new NoiseError('certificate-times', `a certificate from ${validFrom} cannot end at ${notValidAfter}`);
  }
  const fields = { version: CERTIFICATE_VERSION, validFrom, notValidAfter };
  const signature = ec.schnorrSign(signedHash(fields, staticPublicKey), authoritySecret, random);
  return { ...fields, signature };
}

/** What a client holds a certificate against. */
export interface VerifyCertificateOptions {
  readonly ec: EcBackend;
  /** 32 bytes, x-only. */
  readonly authorityKey: Uint8Array;
  /** 32 bytes, x-only. */
  readonly staticPublicKey: Uint8Array;
  /** Unix seconds. */
  readonly now: number;
}

/** Why the certificate is not to be trusted; `undefined`: it is. */
export function certificateFault(
  certificate: Certificate,
  { ec, authorityKey, staticPublicKey, now }: VerifyCertificateOptions,
): NoiseFailureCode | undefined {
  if (certificate.version !== CERTIFICATE_VERSION) return 'certificate-version';
  if (now < certificate.validFrom - CLOCK_LEEWAY_SECONDS) return 'certificate-not-yet-valid';
  if (now > certificate.notValidAfter + CLOCK_LEEWAY_SECONDS) return 'certificate-expired';
  const hash = signedHash(certificate, staticPublicKey);
  return ec.schnorrVerify(certificate.signature, hash, authorityKey) ? undefined : 'certificate-untrusted';
}
