// Step 3 of the share's way: accepted shares on their way to the stream. Hand-written, because every share passes here twice: the
// writer appends into buffers that are allocated once, the reader steps over the bytes without making an object a share.
// version u8 | incarnation u64 | batch u64 | channels u16 | targets u16 | shares u32, then the channel table, the target table and the
// shares, little-endian. Channel: channelKey u32, kind u8, identity and worker (u16 length), prefix (u8 length). Target: 32 bytes.
// Share: channelIndex u16, targetIndex u16, jobId u32, nonce u32, ntime u32, version u32, sequenceNumber u32, tipFeed u64,
// receivedAtMs u48, extranonce (u8 length).
// Version 2, written only where it has something to say, has behind the channel table the channels whose blocks pay the miner: u16, then
// channelIndex u16, poolPercent u8 of each, by rising index.

import { ByteReader } from '../byte-cursor.ts';
import { BusError } from '../errors.ts';
import { PAYS_POOL } from './channel.ts';
import { KnownEntries } from './known-entries.ts';

export const SHARE_BATCH_VERSION = 1;
const MINER_PAID_VERSION = 2;
/** Bound of one batch; well below the bus's largest payload. */
export const MAX_SHARE_BATCH_BYTES = 524_288;
/** Longest extranonce and prefix. */
const MAX_EXTRANONCE_BYTES = 32;
const HEADER_BYTES = 25;
const TARGET_BYTES = 32;
const SHARE_FIXED_BYTES = 39;
const MINER_PAID_BYTES = 3;
/** Length of the count in front of them. */
const MINER_PAID_COUNT_BYTES = 2;
/** Room kept for the two tables: channels take what they need of the rest of MAX_SHARE_BATCH_BYTES. */
const MAX_TABLE_ENTRIES = 65_535;
const TWO_32 = 4_294_967_296;

/** One channel of the table of a batch. */
export interface BatchChannel {
  /** The gateway's own number of the channel, unique within the incarnation. */
  readonly channelKey: number;
  /** One of `channelKinds`. */
  readonly kind: number;
  /** The account; where blocks pay the miner the address that they pay. */
  readonly identity: string;
  readonly worker: string;
  readonly extranoncePrefix: Uint8Array;
  /** Whole per cent of the channel's blocks that the pool's own outputs keep: PAYS_POOL, or less where the rest pays `identity`. */
  readonly poolPercent: number;
}

/**
 * Collects one batch at a time: `start`, then channels, targets and shares in any order, then `finish`.
 * The caller remembers the indices of a channel and of its target for as long as the batch number stays the same.
 */
export class ShareBatchWriter {
  readonly #shares = Buffer.alloc(MAX_SHARE_BATCH_BYTES);
  readonly #channels = Buffer.alloc(MAX_SHARE_BATCH_BYTES);
  readonly #targets = Buffer.alloc(MAX_SHARE_BATCH_BYTES);
  /** Entries of the channels that pay the miner, as they are written; a pool without such channels never has one. */
  #minerPaid: number[] = [];
  #incarnation = 0n;
  #batch = 0n;
  #shareBytes = 0;
  #channelBytes = 0;
  #targetBytes = 0;
  /** Length of their section; 0 without one. */
  #minerPaidBytes = 0;
  #shareCount = 0;
  #channelCount = 0;
  #targetCount = 0;

  /** Shares in the open batch. */
  get shareCount(): number {
    return this.#shareCount;
  }

  /** Length of what `finish` would return now. */
  get byteLength(): number {
    return HEADER_BYTES + this.#channelBytes + this.#minerPaidBytes + this.#targetBytes + this.#shareBytes;
  }

  get batch(): bigint {
    return this.#batch;
  }

  /** Forgets what was collected and opens batch number `batch`. */
  start(incarnation: bigint, batch: bigint): void {
    this.#incarnation = incarnation;
    this.#batch = batch;
    this.#minerPaid = [];
    this.#minerPaidBytes = 0;
    this.#shareBytes = 0;
    this.#channelBytes = 0;
    this.#targetBytes = 0;
    this.#shareCount = 0;
    this.#channelCount = 0;
    this.#targetCount = 0;
  }

  /** Index of the new entry, or -1: the batch is full. */
  addChannel(channel: BatchChannel): number {
    const { identity, worker, extranoncePrefix: prefix } = channel;
    const identityBytes = Buffer.byteLength(identity);
    const workerBytes = Buffer.byteLength(worker);
    if (identityBytes > 0xffff || workerBytes > 0xffff || prefix.length > MAX_EXTRANONCE_BYTES) {
      throw new BusError('bus-bad-payload', 'an identity, worker or prefix that is too long for a batch');
    }
    const length = 10 + identityBytes + workerBytes + prefix.length;
    const minerPaid = channel.poolPercent === PAYS_POOL ? 0 : this.#nextMinerPaidBytes;
    if (this.byteLength + length + minerPaid > MAX_SHARE_BATCH_BYTES || this.#channelCount === MAX_TABLE_ENTRIES)
      return -1;
    if (minerPaid > 0) this.#addMinerPaid(channel.poolPercent, minerPaid);
    const out = this.#channels;
    let at = out.writeUInt32LE(channel.channelKey, this.#channelBytes);
    at = out.writeUInt8(channel.kind, at);
    at = out.writeUInt16LE(identityBytes, at);
    at += out.write(identity, at);
    at = out.writeUInt16LE(workerBytes, at);
    at += out.write(worker, at);
    at = out.writeUInt8(prefix.length, at);
    out.set(prefix, at);
    this.#channelBytes += length;
    return this.#channelCount++;
  }

  get #nextMinerPaidBytes(): number {
    return MINER_PAID_BYTES + (this.#minerPaid.length === 0 ? MINER_PAID_COUNT_BYTES : 0);
  }

  #addMinerPaid(poolPercent: number, length: number): void {
    this.#minerPaid.push(this.#channelCount, poolPercent);
    this.#minerPaidBytes += length;
  }

  /** `target`: 32 bytes, little-endian. Index of the new entry, or -1: the batch is full. */
  addTarget(target: Uint8Array): number {
    if (target.length !== TARGET_BYTES) throw new BusError('bus-bad-payload', `a target of ${target.length} bytes`);
    if (this.byteLength + TARGET_BYTES > MAX_SHARE_BATCH_BYTES || this.#targetCount === MAX_TABLE_ENTRIES) return -1;
    this.#targets.set(target, this.#targetBytes);
    this.#targetBytes += TARGET_BYTES;
    return this.#targetCount++;
  }

  /**
   * Appends a share; false: no room, finish this batch first. `version` is the full header version, `tipFeed` the feed number of the
   * last tip sent on the channel. The extranonce (without the prefix; none on a standard channel) is read from `source` at `offset`.
   */
  addShare(
    channelIndex: number,
    targetIndex: number,
    jobId: number,
    nonce: number,
    ntime: number,
    version: number,
    sequenceNumber: number,
    tipFeed: number,
    receivedAtMs: number,
    source: Uint8Array,
    offset: number,
    length: number,
  ): boolean {
    if (this.byteLength + SHARE_FIXED_BYTES + length > MAX_SHARE_BATCH_BYTES) return false;
    const out = this.#shares;
    let at = putU16(out, this.#shareBytes, channelIndex);
    at = putU16(out, at, targetIndex);
    at = putU32(out, at, jobId);
    at = putU32(out, at, nonce);
    at = putU32(out, at, ntime);
    at = putU32(out, at, version);
    at = putU32(out, at, sequenceNumber);
    at = putU32(out, at, tipFeed);
    at = putU32(out, at, tipFeed / TWO_32);
    at = putU32(out, at, receivedAtMs);
    at = putU16(out, at, receivedAtMs / TWO_32);
    out[at++] = length;
    for (let index = 0; index < length; index++) out[at + index] = source[offset + index] as number;
    this.#shareBytes = at + length;
    this.#shareCount++;
    return true;
  }

  /** The payload, in memory of its own: the writer can start the next batch while this one waits for its acknowledgement. */
  finish(): Uint8Array {
    const out = Buffer.allocUnsafeSlow(this.byteLength);
    const { length: minerPaid } = this.#minerPaid;
    let at = out.writeUInt8(minerPaid === 0 ? SHARE_BATCH_VERSION : MINER_PAID_VERSION, 0);
    at = out.writeBigUInt64LE(this.#incarnation, at);
    at = out.writeBigUInt64LE(this.#batch, at);
    at = out.writeUInt16LE(this.#channelCount, at);
    at = out.writeUInt16LE(this.#targetCount, at);
    at = out.writeUInt32LE(this.#shareCount, at);
    at += this.#channels.copy(out, at, 0, this.#channelBytes);
    if (minerPaid > 0) at = out.writeUInt16LE(minerPaid / 2, at);
    for (let index = 0; index < minerPaid; index += 2) {
      at = out.writeUInt16LE(this.#minerPaid[index] as number, at);
      at = out.writeUInt8(this.#minerPaid[index + 1] as number, at);
    }
    at += this.#targets.copy(out, at, 0, this.#targetBytes);
    this.#shares.copy(out, at, 0, this.#shareBytes);
    return new Uint8Array(out.buffer, out.byteOffset, out.length);
  }
}

/**
 * Reads one batch at a time: `open`, then `next` until it returns false, each call leaving the share in the public fields.
 * `fault` is set when the bytes are not a batch; nothing is thrown, whatever the bytes are.
 */
export class ShareBatchReader {
  incarnation = 0n;
  batch = 0n;
  /** An entry that pays the pool is the same object in each batch that says the same of its channel. */
  channels: readonly BatchChannel[] = [];
  targetCount = 0;
  shareCount = 0;
  /** Why reading stopped early. */
  fault: string | undefined;

  channelIndex = 0;
  targetIndex = 0;
  jobId = 0;
  nonce = 0;
  ntime = 0;
  version = 0;
  sequenceNumber = 0;
  tipFeed = 0;
  receivedAtMs = 0;
  /** Where the extranonce stands in `payload`. */
  extranonceOffset = 0;
  extranonceLength = 0;

  payload: Uint8Array = new Uint8Array();
  readonly #known = new KnownEntries<BatchChannel>();
  #targets = 0;
  #at = 0;
  #left = 0;
  #markedAt = 0;
  #markedLeft = 0;

  /** False: `fault` says why. `payload` must stay unchanged while it is read. */
  open(payload: Uint8Array): boolean {
    this.payload = payload;
    this.fault = undefined;
    this.#left = 0;
    try {
      this.#readTables(new ByteReader(payload));
      return true;
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      this.fault = error.message;
      return false;
    }
  }

  #readTables(input: ByteReader): void {
    const version = input.u8();
    if (version !== SHARE_BATCH_VERSION && version !== MINER_PAID_VERSION)
      throw new BusError('bus-bad-payload', `ShareBatch of version ${version}`);
    this.incarnation = input.u64();
    this.batch = input.u64();
    const channelCount = input.u16();
    this.targetCount = input.u16();
    this.shareCount = input.u32();
    const channels: BatchChannel[] = [];
    for (let index = 0; index < channelCount; index++) {
      const start = this.payload.length - input.remaining;
      const end = channelEnd(this.payload, start);
      const known = end <= this.payload.length ? this.#known.find(this.payload, start, end) : undefined;
      if (known !== undefined) input.skip(end - start);
      channels.push(known ?? this.#readChannel(input));
    }
    if (version === MINER_PAID_VERSION) readMinerPaid(input, channels);
    this.channels = channels;
    this.#targets = this.payload.length - input.remaining;
    input.raw(this.targetCount * TARGET_BYTES);
    this.#at = this.payload.length - input.remaining;
    this.#left = this.shareCount;
  }

  #readChannel(input: ByteReader): BatchChannel {
    const start = this.payload.length - input.remaining;
    const channelKey = input.u32();
    const kind = input.u8();
    const identity = input.text();
    const worker = input.text();
    const prefixBytes = prefixLength(input.u8());
    input.skip(prefixBytes);
    const bytes = new Uint8Array(this.payload.subarray(start, this.payload.length - input.remaining));
    const extranoncePrefix = bytes.subarray(bytes.length - prefixBytes);
    const channel = { channelKey, kind, identity, worker, extranoncePrefix, poolPercent: PAYS_POOL };
    this.#known.keep(bytes, channel);
    return channel;
  }

  /** 32 bytes, little-endian: a view of the payload. */
  target(index: number): Uint8Array {
    const start = this.#targets + index * TARGET_BYTES;
    return this.payload.subarray(start, start + TARGET_BYTES);
  }

  /** Steps to the next share; false at the end or at a fault. Indices are within their tables when it returns true. */
  next(): boolean {
    const from = this.payload;
    let at = this.#at;
    if (this.#left === 0) {
      if (at !== from.length && this.fault === undefined)
        this.fault = `${from.length - at} bytes behind the last share`;
      return false;
    }
    if (at + SHARE_FIXED_BYTES > from.length) return this.#stop('ends within a share');
    this.channelIndex = getU16(from, at);
    this.targetIndex = getU16(from, at + 2);
    this.jobId = getU32(from, at + 4);
    this.nonce = getU32(from, at + 8);
    this.ntime = getU32(from, at + 12);
    this.version = getU32(from, at + 16);
    this.sequenceNumber = getU32(from, at + 20);
    this.tipFeed = getU32(from, at + 24) + getU32(from, at + 28) * TWO_32;
    this.receivedAtMs = getU32(from, at + 32) + getU16(from, at + 36) * TWO_32;
    this.extranonceLength = from[at + 38] as number;
    at += SHARE_FIXED_BYTES;
    this.extranonceOffset = at;
    if (this.extranonceLength > MAX_EXTRANONCE_BYTES) return this.#stop('an extranonce longer than 32 bytes');
    if (at + this.extranonceLength > from.length) return this.#stop('ends within a share');
    if (this.channelIndex >= this.channels.length) return this.#stop('a channel that is not in the table');
    if (this.targetIndex >= this.targetCount) return this.#stop('a target that is not in the table');
    this.#at = at + this.extranonceLength;
    this.#left--;
    return true;
  }

  /** Remembers the share that comes next. */
  mark(): void {
    this.#markedAt = this.#at;
    this.#markedLeft = this.#left;
  }

  /** Goes back to where `mark` was called, in the same batch: all is read again, faults included. */
  rewind(): void {
    this.#at = this.#markedAt;
    this.#left = this.#markedLeft;
    this.fault = undefined;
  }

  #stop(fault: string): false {
    this.fault = `bus-bad-payload: ${fault}`;
    this.#left = 0;
    return false;
  }
}

/** Where the entry of the channel table ends that begins at `at`; where the bytes end before, beyond them or NaN. */
function channelEnd(from: Uint8Array, at: number): number {
  const worker = at + 7 + getU16(from, at + 5);
  const prefix = worker + 2 + getU16(from, worker);
  return prefix + 1 + from[prefix]!;
}

function readMinerPaid(input: ByteReader, channels: BatchChannel[]): void {
  const count = input.u16();
  let next = 0;
  for (let entry = 0; entry < count; entry += 1) {
    const index = input.u16();
    const poolPercent = input.u8();
    const channel = channels[index];
    if (channel === undefined || index < next || poolPercent >= PAYS_POOL)
      throw new BusError('bus-bad-payload', `${poolPercent} per cent of channel ${index} for the pool`);
    channels[index] = { ...channel, poolPercent };
    next = index + 1;
  }
}

function prefixLength(length: number): number {
  if (length > MAX_EXTRANONCE_BYTES) throw new BusError('bus-bad-payload', `a prefix of ${length} bytes`);
  return length;
}

function putU16(out: Uint8Array, at: number, value: number): number {
  out[at] = value;
  out[at + 1] = value >>> 8;
  return at + 2;
}

function putU32(out: Uint8Array, at: number, value: number): number {
  out[at] = value;
  out[at + 1] = value >>> 8;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 24;
  return at + 4;
}

function getU16(from: Uint8Array, at: number): number {
  return (from[at] as number) | ((from[at + 1] as number) << 8);
}

function getU32(from: Uint8Array, at: number): number {
  return (getU16(from, at) | (getU16(from, at + 2) << 16)) >>> 0;
}
