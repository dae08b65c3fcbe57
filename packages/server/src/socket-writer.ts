// The only writer of a socket. Frames and text go as they come into memory that all connections share, and what a connection got in
// one tick leaves together, unless many others are written to in between. A reader that does not keep up is reported once and written to no more.
import type { Writable } from 'node:stream';

/** Seals one frame; the writing half of a Noise transport. */
export interface FrameSealer {
  sealedLength(frameLength: number): number;
  /** Returns the number of bytes written to `out` from `offset` on. */
  seal(frame: Uint8Array, out: Uint8Array, offset: number): number;
}

/** Sealed frames of about a hundred connections; larger ones get memory of their own. */
const SLAB_BYTES = 65_536;
/** So many writers are flushed at once, in the middle of a tick: a job for thousands is with the first of them before the last has been looked at. */
const MAX_WAITING = 256;

/** What the writers of one process share: memory for sealed frames, and the list of those that have something to flush. */
export class OutboundTick {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #used = 0;
  #dirty: SocketWriter[] = [];
  readonly #flushAll = () => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const writer of dirty) writer.flush();
  };

  /** The slab in which `reserve` has made room. */
  get slab(): Buffer {
    return this.#slab;
  }

  /** Makes room for `length` bytes, at most SLAB_BYTES, in `slab`; returns where it starts. */
  reserve(length: number): number {
    if (this.#used + length > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const offset = this.#used;
    this.#used += length;
    return offset;
  }

  /** Has `writer` flushed when the present callback is done, or when many others have something too. */
  schedule(writer: SocketWriter): void {
    const waiting = this.#dirty.push(writer);
    if (waiting === 1) process.nextTick(this.#flushAll);
    else if (waiting === MAX_WAITING) this.#flushAll();
  }
}

export class SocketWriter {
  readonly #socket: Writable;
  readonly #tick: OutboundTick;
  readonly #bound: number;
  readonly #onOverflow: () => void;
  #sealer: FrameSealer | undefined;
  #scheduled = false;
  #closed = false;
  /** The piece being filled, from `#start` to `#end` of `#slab`, and complete pieces before it. */
  #slab: Buffer | undefined;
  /** Nobody else writes to `#slab`. */
  #isOwn = false;
  #start = 0;
  #end = 0;
  #pieces: Buffer[] = [];
  #pendingBytes = 0;
  /** Bytes handed to the socket since it was opened. */
  bytesWritten = 0;

  constructor(socket: Writable, tick: OutboundTick, bound: number, onOverflow: () => void) {
    this.#socket = socket;
    this.#tick = tick;
    this.#bound = bound;
    this.#onOverflow = onOverflow;
  }

  /** Bytes that wait here and in the socket. */
  get queuedBytes(): number {
    return this.#pendingBytes + this.#socket.writableLength;
  }

  /** Sends bytes as they are: the handshake. */
  writeRaw(bytes: Uint8Array): void {
    if (!this.#fits(bytes.length)) return;
    const offset = this.#reserve(bytes.length);
    this.#slab?.set(bytes, offset);
    this.#added(bytes.length);
  }

  /** Sends text as it is, in UTF-8. */
  writeText(text: string): void {
    const length = Buffer.byteLength(text);
    if (!this.#fits(length)) return;
    const offset = this.#reserve(length);
    this.#slab?.write(text, offset);
    this.#added(length);
  }

  /** Sends bytes as they are and without a copy: any number of connections share them, and nobody changes them any more. */
  writeShared(bytes: Buffer): void {
    if (!this.#fits(bytes.length)) return;
    this.#endPiece();
    this.#pieces.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#schedule();
  }

  /** From now on frames can be written. */
  startSealing(sealer: FrameSealer): void {
    this.#sealer = sealer;
  }

  /** Seals a frame (header and payload, which stay as they are) and has it sent by the end of this tick. */
  write(frame: Uint8Array): void {
    const sealer = this.#sealer;
    if (sealer === undefined) return;
    const length = sealer.sealedLength(frame.length);
    if (!this.#fits(length)) return;
    const offset = this.#reserve(length);
    this.#added(sealer.seal(frame, this.#slab as Buffer, offset));
  }

  /** Hands everything to the socket now. */
  flush(): void {
    this.#scheduled = false;
    if (this.#closed || this.#pendingBytes === 0) return;
    this.bytesWritten += this.#pendingBytes;
    this.#pendingBytes = 0;
    const pieces = this.#pieces;
    if (pieces.length === 0) {
      const only = (this.#slab as Buffer).subarray(this.#start, this.#end);
      this.#slab = undefined;
      this.#socket.write(only);
      return;
    }
    this.#endPiece();
    if (pieces.length === 1) this.#socket.write(pieces[0]);
    else {
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
      this.#socket.uncork();
    }
    pieces.length = 0;
  }

  /** Nothing is written any more; what was not flushed is dropped. */
  close(): void {
    this.#closed = true;
    this.#pieces = [];
    this.#slab = undefined;
    this.#pendingBytes = 0;
  }

  /** Makes room in `#slab` and returns where; what stood elsewhere becomes a piece of its own. */
  #reserve(length: number): number {
    // A socket that is behind keeps what it gets for long: memory of its own, so that it does not hold on to shared slabs.
    if (this.#socket.writableLength > 0 || length > SLAB_BYTES) return this.#reserveOwn(length);
    const offset = this.#tick.reserve(length);
    const { slab } = this.#tick;
    if (slab !== this.#slab || offset !== this.#end) this.#beginPiece(slab, offset, false);
    return offset;
  }

  /** What is kept for long is not much larger than what is in it, and thousands of frames are few pieces: each is twice as long as the one before. */
  #reserveOwn(length: number): number {
    const before = this.#isOwn ? (this.#slab?.length ?? 0) : 0;
    if (this.#end + length > before) {
      const size = Math.max(length, Math.min(2 * before, SLAB_BYTES));
      this.#beginPiece(Buffer.allocUnsafeSlow(size), 0, true);
    }
    return this.#end;
  }

  #beginPiece(slab: Buffer, offset: number, isOwn: boolean): void {
    this.#endPiece();
    this.#slab = slab;
    this.#isOwn = isOwn;
    this.#start = offset;
    this.#end = offset;
  }

  #endPiece(): void {
    if (this.#slab !== undefined) this.#pieces.push(this.#slab.subarray(this.#start, this.#end));
    this.#slab = undefined;
  }

  /** Whether so many bytes may be written; at the bound nothing may any more. */
  #fits(length: number): boolean {
    if (this.#closed) return false;
    if (this.queuedBytes + length <= this.#bound) return true;
    this.close();
    this.#onOverflow();
    return false;
  }

  #added(length: number): void {
    this.#end += length;
    this.#pendingBytes += length;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#tick.schedule(this);
  }
}
