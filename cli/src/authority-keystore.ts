// The authority key on disk: one file with the secret in base58check, readable by its owner alone, made once and never
// overwritten. Whoever has it can pose as the pool; whoever loses it must give every miner a new URL.
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  decodeAuthoritySecretKey,
  encodeAuthorityPublicKey,
  encodeAuthoritySecretKey,
} from '@sluice/noise/authority-key';
import { type EcBackend, generateSecret } from '@sluice/noise/ec';
import { CodedError, codeOf, messageOf } from '@sluice/runtime/errors';
import { type RandomBytes, randomBytes } from '@sluice/runtime/random';
import { readSecretFile } from '@sluice/runtime/secret-file';
import { curve } from './curve.ts';
import type { KeystoreErrorCode } from './errors.ts';

export interface AuthorityKey {
  /** 32 bytes; the holder zeroes them when done. */
  readonly secret: Uint8Array;
  /** 32 bytes, x-only. */
  readonly publicKey: Uint8Array;
  /** The public key in base58check, as miners are given it. */
  readonly text: string;
}

export class KeystoreError extends CodedError<KeystoreErrorCode> {
  override readonly name = 'KeystoreError';
}

/** Makes a key and its file. @throws KeystoreError `keystore-exists`, `keystore-unwritable`. */
export function createAuthorityKey(file: string, ec = curve(), random: RandomBytes = randomBytes): AuthorityKey {
  const secret = generateSecret(random);
  const key = keyOf(secret, ec);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Fails where the file exists: a key is never overwritten.
    const handle = openSync(file, 'wx', 0o600);
    try {
      writeSync(handle, `${encodeAuthoritySecretKey(secret)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    secret.fill(0);
    if (codeOf(error) === 'EEXIST') throw new KeystoreError('keystore-exists', `${file} exists already`);
    throw new KeystoreError('keystore-unwritable', `cannot write ${file}: ${messageOf(error)}`);
  }
  return key;
}

/** @throws RuntimeError `secret-unreadable`, KeystoreError `keystore-damaged`; neither shows what stands in the file. */
export function readAuthorityKey(file: string, ec = curve()): AuthorityKey {
  const secret = decodeAuthoritySecretKey(readSecretFile(file));
  if (secret === undefined) throw new KeystoreError('keystore-damaged', `${file} holds no authority key`);
  return keyOf(secret, ec);
}

/** The key of the file, made on the first call. */
export function openAuthorityKey(file: string, ec = curve()): AuthorityKey {
  try {
    return createAuthorityKey(file, ec);
  } catch (error) {
    if (codeOf(error) !== 'keystore-exists') throw error;
    return readAuthorityKey(file, ec);
  }
}

/** The URL that a miner is pointed at. */
export function poolUrl(address: string, { text }: AuthorityKey): string {
  return `stratum2+tcp://${address}/${text}`;
}

function keyOf(secret: Uint8Array, ec: EcBackend): AuthorityKey {
  const publicKey = ec.xOnlyPublicKey(secret);
  return { secret, publicKey, text: encodeAuthorityPublicKey(publicKey) };
}
