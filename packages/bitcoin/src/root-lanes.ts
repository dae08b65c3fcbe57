// Merkle roots of up to four shares of a job at a time, each in a SIMD lane: nearly all of what a share costs is hashing its coinbase up the path,
// one hash after the other, and four such ways cost little more than one.
import { instantiate, type MemoryExport } from '@sluice/wasm-writer/instantiate';
import { BLOCK_SIZE } from './compress-lanes.ts';
import { LANES } from './lane-code.ts';
import {
  BLOCKS_AT,
  IV_AT,
  MAX_LEVELS,
  MIDSTATE_AT,
  PADDING_AT,
  PATH_AT,
  ROOT_AT,
  rootLanesModule,
} from './root-lanes-module.ts';
import { IV, sha256State } from './sha256-rounds.ts';

interface LanesExports extends MemoryExport {
  run(blocksEnd: number, pathEnd: number): void;
}

/** What the shares of a job have in common. Coinbase without witness: coinbasePrefix, extranonce, coinbaseSuffix. */
export interface CoinbaseJob {
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSuffix: Uint8Array;
  /** 32-byte siblings in wire order, deepest first. */
  readonly merklePath: readonly Uint8Array[];
}

/** One serves all jobs of a thread. */
export class RootLanes {
  readonly #exports = instantiate<LanesExports>(rootLanesModule());
  readonly #words: Uint32Array;
  readonly #lastBlocksEnd: number;
  #job: CoinbaseJob | undefined;
  #extranonceSize = 0;
  #blocksEnd = 0;
  #pathEnd = 0;
  /** The words of the coinbase that hold the extranonce, as bytes: where it begins in them, and where they lie. */
  #edge = new Uint8Array(0);
  #edgeOffset = 0;
  #edgeWord = 0;

  constructor() {
    const { buffer } = this.#exports.memory;
    this.#words = new Uint32Array(buffer);
    this.#lastBlocksEnd = buffer.byteLength;
    for (const [index, word] of IV.entries()) this.#splat(IV_AT, index, word);
    this.#splat(PADDING_AT, 0, 0x8000_0000);
    this.#splat(PADDING_AT, 7, 256);
  }

  /** Takes up a job; false: its coinbase or its path is too long for this. @param extranonceSize bytes, 1 or more. */
  begin(job: CoinbaseJob, extranonceSize: number): boolean {
    if (job === this.#job && extranonceSize === this.#extranonceSize) return true;
    const { coinbasePrefix, coinbaseSuffix, merklePath } = job;
    const length = coinbasePrefix.length + extranonceSize + coinbaseSuffix.length;
    const shared = Math.floor(coinbasePrefix.length / 64);
    const message = new Uint8Array(Math.ceil((length + 9) / 64) * 64);
    this.#blocksEnd = BLOCKS_AT + (message.length / 64 - shared) * BLOCK_SIZE;
    this.#job = undefined;
    if (this.#blocksEnd > this.#lastBlocksEnd || merklePath.length > MAX_LEVELS) return false;
    message.set(coinbasePrefix);
    message.set(coinbaseSuffix, coinbasePrefix.length + extranonceSize);
    message[length] = 0x80;
    const view = new DataView(message.buffer);
    view.setBigUint64(message.length - 8, BigInt(length) * 8n);
    for (const [index, word] of sha256State(message, shared).entries()) this.#splat(MIDSTATE_AT, index, word);
    for (let at = shared * 64; at < message.length; at += 4)
      this.#splat(BLOCKS_AT, at / 4 - shared * 16, view.getUint32(at));
    for (const [level, hash] of merklePath.entries())
      for (let word = 0; word < 8; word++) this.#splat(PATH_AT, level * 8 + word, bigEndian(hash, word * 4));
    this.#pathEnd = PATH_AT + merklePath.length * 8 * LANES * 4;
    const edgeStart = coinbasePrefix.length & ~3;
    const edgeEnd = (coinbasePrefix.length + extranonceSize + 3) & ~3;
    this.#edge = message.slice(edgeStart, edgeEnd);
    this.#edgeOffset = coinbasePrefix.length - edgeStart;
    this.#edgeWord = BLOCKS_AT / 4 + (edgeStart / 4 - shared * 16) * LANES;
    this.#job = job;
    this.#extranonceSize = extranonceSize;
    return true;
  }

  /** Gives a lane its extranonce: `prefix`, and what stands in `source` from `offset` on; as long as was said, together. */
  set(lane: number, prefix: Uint8Array, source: Uint8Array, offset: number): void {
    const edge = this.#edge;
    let at = this.#edgeOffset;
    for (let index = 0; index < prefix.length; index++) edge[at++] = prefix[index]!;
    const rolled = this.#extranonceSize - prefix.length;
    for (let index = 0; index < rolled; index++) edge[at++] = source[offset + index]!;
    let word = this.#edgeWord + lane;
    for (let byte = 0; byte < edge.length; byte += 4, word += LANES) this.#words[word] = bigEndian(edge, byte);
  }

  /** Hashes all lanes; those that were not set hold anything. */
  run(): void {
    this.#exports.run(this.#blocksEnd, this.#pathEnd);
  }

  /** The root of a lane into the 32 bytes of `out`, wire order. */
  root(lane: number, out: Uint8Array): void {
    let from = ROOT_AT / 4 + lane;
    for (let at = 0; at < 32; at += 4, from += LANES) {
      const word = this.#words[from]!;
      out[at] = word >>> 24;
      out[at + 1] = word >>> 16;
      out[at + 2] = word >>> 8;
      out[at + 3] = word;
    }
  }

  /** A word of all lanes: the one of this number behind an address. */
  #splat(address: number, index: number, word: number): void {
    this.#words.fill(word, address / 4 + index * LANES, address / 4 + (index + 1) * LANES);
  }
}

function bigEndian(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
