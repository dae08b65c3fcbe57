// The running hash, chaining key and cipher of a handshake [sv2 4.4.2, Noise 5.2].
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type AeadBackend, TAG_LENGTH } from './aead.ts';
import { CipherState } from './cipher-state.ts';

const PROTOCOL_NAME = 'Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256';
/** Longer than a hash, so the name is hashed [Noise 5.2]. */
const PROTOCOL_HASH = sha256(Uint8Array.from(PROTOCOL_NAME, (letter) => letter.charCodeAt(0)));
const NOTHING = new Uint8Array(0);

/** HKDF of RFC 5869 without info and with two outputs of 32 bytes. */
export function hkdf2(chainingKey: Uint8Array, material: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const key = hmac(sha256, chainingKey, material);
  const first = hmac(sha256, key, Uint8Array.of(1));
  const second = hmac.create(sha256, key).update(first).update(Uint8Array.of(2)).digest();
  key.fill(0);
  return [first, second];
}

/** The transport ciphers that a handshake ends with. */
export interface TransportCiphers {
  readonly initiatorToResponder: CipherState;
  readonly responderToInitiator: CipherState;
}

/** For one handshake; ends with `split` or `destroy`. */
export class SymmetricState {
  readonly #aead: AeadBackend;
  #chainingKey: Uint8Array = PROTOCOL_HASH.slice();
  #hash: Uint8Array = sha256(PROTOCOL_HASH);
  #cipher: CipherState | undefined;

  constructor(aead: AeadBackend) {
    this.#aead = aead;
  }

  /** Takes bytes of any length into the running hash. */
  mixHash(data: Uint8Array): void {
    this.#hash = sha256.create().update(this.#hash).update(data).digest();
  }

  /** `material` is zeroed. */
  mixKey(material: Uint8Array): void {
    const [chainingKey, key] = hkdf2(this.#chainingKey, material);
    material.fill(0);
    this.#chainingKey.fill(0);
    this.#chainingKey = chainingKey;
    this.#cipher?.destroy();
    this.#cipher = new CipherState(this.#aead, key);
  }

  /** Without a key the plaintext itself. */
  encryptAndHash(plain: Uint8Array): Uint8Array {
    let out = plain;
    if (this.#cipher !== undefined) {
      out = new Uint8Array(plain.length + TAG_LENGTH);
      this.#cipher.seal(this.#hash, plain, 0, plain.length, out, 0);
    }
    this.mixHash(out);
    return out;
  }

  /** `undefined`: not authentic. */
  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    let out = sealed;
    if (this.#cipher !== undefined) {
      const length = sealed.length - TAG_LENGTH;
      if (length < 0) return undefined;
      out = new Uint8Array(length);
      if (!this.#cipher.open(this.#hash, sealed, 0, length, out, 0)) return undefined;
    }
    this.mixHash(sealed);
    return out;
  }

  /** Ends the handshake: the state is of no use afterwards. */
  split(): TransportCiphers {
    const [first, second] = hkdf2(this.#chainingKey, NOTHING);
    this.destroy();
    return {
      initiatorToResponder: new CipherState(this.#aead, first),
      responderToInitiator: new CipherState(this.#aead, second),
    };
  }

  /** Zeroes chaining key and cipher; the running hash is of public bytes. */
  destroy(): void {
    this.#chainingKey.fill(0);
    this.#cipher?.destroy();
  }
}
