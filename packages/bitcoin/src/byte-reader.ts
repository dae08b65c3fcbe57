// Reads serialized transactions and blocks. Beyond the end it yields zeros and empty views and remembers it in `failed`,
// so that a decoder has one check at its end instead of one a field. Every yielded array is a view into the bytes.

/** A cursor; integers are little-endian. */
export class ByteReader {
  offset: number;
  failed = false;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.offset = offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.offset;
  }

  #take(count: number): number {
    if (this.failed || count > this.remaining) {
      this.failed = true;
      return -1;
    }
    const at = this.offset;
    this.offset += count;
    return at;
  }

  /** The byte that comes next, left unread; `undefined` at the end. */
  peek(ahead = 0): number | undefined {
    return this.#bytes[this.offset + ahead];
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getUint8(at);
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at, true);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at, true);
  }

  u64(): bigint {
    const at = this.#take(8);
    return at < 0 ? 0n : this.#view.getBigUint64(at, true);
  }

  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return at < 0 ? new Uint8Array(0) : this.#bytes.subarray(at, at + count);
  }

  /** CompactSize; a form longer than needed fails, as in Bitcoin Core's `ReadCompactSize`. */
  compactSize(): number {
    const first = this.u8();
    if (first < 0xfd) return first;
    const value = first === 0xfd ? this.u16() : first === 0xfe ? this.u32() : Number(this.u64());
    const smallest = first === 0xfd ? 0xfd : first === 0xfe ? 0x10000 : 0x100000000;
    if (value < smallest) this.failed = true;
    return this.failed ? 0 : value;
  }

  /** The count of a list whose items take at least `itemSize` bytes each; one that the bytes cannot hold fails. */
  count(itemSize: number): number {
    const count = this.compactSize();
    if (count * itemSize > this.remaining) this.failed = true;
    return this.failed ? 0 : count;
  }

  /** Bytes behind their CompactSize. */
  sizedBytes(): Uint8Array {
    return this.bytes(this.compactSize());
  }
}
