// ChaCha20-Poly1305 [RFC 8439] as the cipher states need it: on pieces of larger buffers, without an allocation.

/** Bytes that sealing adds. */
export const TAG_LENGTH = 16;

/** Two implementations: noble as the readable reference, WebAssembly for the path of a share. Same results. */
export interface AeadBackend {
  readonly name: string;
  /**
   * Writes `length` bytes of ciphertext and the tag to `out` from `outOffset` on. `out` may be `plain` itself at the same offset.
   * @param key 32 bytes. @param nonce 12 bytes. @param ad at most 32 bytes.
   */
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    ad: Uint8Array,
    plain: Uint8Array,
    plainOffset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
  ): void;
  /**
   * Writes `length` bytes of plaintext to `out`, of `length + 16` sealed ones. False: the tag is wrong and `out` is as it was.
   * `out` may be `sealed` itself at the same offset.
   */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ad: Uint8Array,
    sealed: Uint8Array,
    sealedOffset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
  ): boolean;
  /** Zeroes what the last calls left in memory of the back end's own: key, one-time key, plaintext. */
  forget(): void;
}
