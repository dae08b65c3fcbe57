// The reference AEAD: noble, in plain JavaScript.
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { type AeadBackend, TAG_LENGTH } from './aead.ts';

/** Makes its buffers anew for each call; what the collector has not taken yet is out of reach of `forget`. */
export const nobleAead: AeadBackend = {
  name: 'noble',

  seal(key, nonce, ad, plain, plainOffset, length, out, outOffset) {
    const sealed = chacha20poly1305(key, nonce, ad).encrypt(plain.subarray(plainOffset, plainOffset + length));
    out.set(sealed, outOffset);
  },

  open(key, nonce, ad, sealed, sealedOffset, length, out, outOffset) {
    const whole = sealed.subarray(sealedOffset, sealedOffset + length + TAG_LENGTH);
    let plain: Uint8Array;
    try {
      plain = chacha20poly1305(key, nonce, ad).decrypt(whole);
    } catch {
      // noble throws for a wrong tag, and for nothing else that can happen here.
      return false;
    }
    out.set(plain, outOffset);
    return true;
  },

  forget() {},
};
