// The running hash, chaining key and cipher of a handshake [sv2 4.4.2, Noise 5.2].
import { sha256 } from '@noble/hashes/sha2.js';
import { type AeadBackend, TAG_LENGTH } from './aead.ts';
import { CipherState } from './cipher-state.ts';
import { HandshakeHash } from './handshake-hash.ts';

const PROTOCOL_NAME = 'Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256';
/** Longer than a hash, so the name is hashed [Noise 5.2]. */
const PROTOCOL_HASH = sha256(Uint8Array.from(PROTOCOL_NAME, (letter) => letter.charCodeAt(0)));
const FIRST_HASH = sha256(PROTOCOL_HASH);
const NOTHING = new Uint8Array(0);
const hashing = new HandshakeHash();

/** The transport ciphers that a handshake ends with. */
export interface TransportCiphers {
  readonly initiatorToResponder: CipherState;
  readonly responderToInitiator: CipherState;
}

/** For one handshake; ends with `split` or `destroy`. */
export class SymmetricState {
  readonly #aead: AeadBackend;
  #chainingKey: Uint8Array = PROTOCOL_HASH.slice();
  #hash: Uint8Array = FIRST_HASH;
  #cipher: CipherState | undefined;

  constructor(aead: AeadBackend) {
    this.#aead = aead;
  }

  /** Takes a part of a handshake message into the running hash. */
  mixHash(data: Uint8Array): void {
    this.#hash = hashing.hash(this.#hash, data);
  }

  /** `material` is zeroed. */
  mixKey(material: Uint8Array): void {
    const [chainingKey, key] = hashing.hkdf2(this.#chainingKey, material);
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
    const [first, second] = hashing.hkdf2(this.#chainingKey, NOTHING);
    this.destroy();
    return {
      initiatorToResponder: new CipherState(this.#aead, first),
      responderToInitiator: new CipherState(this.#aead, second),
    };
  }

  /** Zeroes chaining key, cipher and what the module has hashed of them; the running hash is of public bytes. */
  destroy(): void {
    this.#chainingKey.fill(0);
    hashing.forget();
    this.#cipher?.destroy();
  }
}
