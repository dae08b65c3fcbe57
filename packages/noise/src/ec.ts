// What the handshake needs of secp256k1. Secret scalars go through constant-time code in the WebAssembly back end; the noble one
// is the reference, and the path where no module was built. Both check their arguments with the functions below.
import { NoiseError } from './errors.ts';

/** Two implementations with the same results and the same errors. Secrets are 32 bytes, big-endian; results are new arrays. */
export interface EcBackend {
  readonly name: string;
  /**
   * 64 bytes that encode the public key of `secret` and look random [BIP324]; `random` are 32 fresh bytes.
   * @throws NoiseError `secret-key-invalid`, `key-length`.
   */
  ellswiftCreate(secret: Uint8Array, random: Uint8Array): Uint8Array;
  /**
   * 32 bytes: the shared secret with the hash of BIP324, of two encodings of 64 bytes. Any 64 bytes encode a key.
   * @throws NoiseError `secret-key-invalid`, `key-length`.
   */
  ellswiftXdh(secret: Uint8Array, ours: Uint8Array, theirs: Uint8Array, initiator: boolean): Uint8Array;
  /** The 32-byte x-coordinate that 64 bytes encode. @throws NoiseError `key-length`. */
  ellswiftDecode(encoded: Uint8Array): Uint8Array;
  /** The 32-byte x-only public key [BIP340]. @throws NoiseError `secret-key-invalid`. */
  xOnlyPublicKey(secret: Uint8Array): Uint8Array;
  /**
   * A 64-byte signature [BIP340] of a 32-byte message; `random` are 32 fresh bytes.
   * @throws NoiseError `secret-key-invalid`, `key-length`.
   */
  schnorrSign(message: Uint8Array, secret: Uint8Array, random: Uint8Array): Uint8Array;
  /** Whether 64 bytes are a signature [BIP340] of a 32-byte message by a 32-byte key. @throws NoiseError `key-length`. */
  schnorrVerify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

/** Fresh random bytes from the platform; a pure package does not make its own. */
export type RandomBytes = (length: number) => Uint8Array;

/** A secret scalar and its public key as it goes over the wire. */
export interface KeyPair {
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** 64 bytes, ElligatorSwift. */
  readonly ellswift: Uint8Array;
}

/** The order of the curve, big-endian. */
const ORDER = Uint8Array.of(
  ...[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe],
  ...[0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41],
);

/** Whether 32 bytes are a scalar from 1 to the order less 1; takes the same time for all of them. */
export function isSecretKey(secret: Uint8Array): boolean {
  if (secret.length !== 32) return false;
  let any = 0;
  let borrow = 0;
  for (let i = 31; i >= 0; i--) {
    any |= secret[i]!;
    borrow = ((secret[i]! - ORDER[i]! - borrow) >> 31) & 1;
  }
  return ((-any >>> 31) & borrow) === 1;
}

/** @throws NoiseError `secret-key-invalid`, which does not show the secret. */
export function requireSecretKey(secret: Uint8Array): void {
  if (!isSecretKey(secret)) throw new NoiseError('secret-key-invalid', 'a secret key is out of range');
}

/** @throws NoiseError `key-length`. */
export function requireLength(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new NoiseError('key-length', `${bytes.length} bytes where ${length} belong`);
}

/** A fresh secret scalar. */
export function generateSecret(random: RandomBytes): Uint8Array {
  for (;;) {
    // Out of range once in 2^128 draws.
    const secret = random(32);
    if (isSecretKey(secret)) return secret;
  }
}

/** A fresh pair; the secret belongs to the caller, who zeroes it. */
export function generateKeyPair(ec: EcBackend, random: RandomBytes): KeyPair {
  return keyPairOf(ec, generateSecret(random), random);
}

/** The pair of a secret that is there already, which it keeps. @throws NoiseError `secret-key-invalid`. */
export function keyPairOf(ec: EcBackend, secret: Uint8Array, random: RandomBytes): KeyPair {
  return { secret, ellswift: ec.ellswiftCreate(secret, random(32)) };
}
