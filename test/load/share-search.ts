// Finds nonces whose header meets the channel's target, by real hashing: one by one where nearly every hash is a share, else in four
// lanes. Every nonce found is hashed again by the plain backend before it is sent.
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import { meetsTarget } from '@sluice/bitcoin/target';
import { NonceSearch } from '@sluice/miner/hashing/nonce-search';

const LANES_STEP = 4_096;
/** What one call may hash before others get their turn: some milliseconds. */
const MAX_STEPS = 4;
const MAX_SINGLE = 4_096;
const NONCES = 2 ** 32;

/** What is searched on: a header that was made ready, and how far the search has come. */
export interface SearchedWork {
  /** 80 bytes; the search writes its nonces. */
  readonly header: Uint8Array;
  /** 32 bytes each. */
  readonly target: Uint8Array;
  readonly networkTarget: Uint8Array;
  /** Expected for a share. */
  readonly hashes: number;
  /** Nonces tried. */
  position: number;
  /** Nonces that meet the target and are not sent yet. */
  readonly found: number[];
  readonly hasJob: boolean;
  /** Whether a share takes so long to find that sockets must have their turn meanwhile. */
  readonly isHard: boolean;
}

/** Hashes a share from which four lanes are faster than one, their start included. */
export const HARD_FROM = 24;

export class ShareSearch {
  /** Of the last share found. */
  nonce = 0;
  /** Hashes that were blocks and were not sent. */
  blocksHeldBack = 0;
  readonly #sha256d: Sha256dBackend;
  readonly #lanes: NonceSearch;
  readonly #sendBlocks: boolean;
  readonly #hash = new Uint8Array(32);

  constructor(sha256d: Sha256dBackend, sendBlocks: boolean) {
    this.#sha256d = sha256d;
    this.#lanes = new NonceSearch(sha256d);
    this.#sendBlocks = sendBlocks;
  }

  /** Leaves a share's nonce in `nonce`; false: none in as many hashes as one call may do. `work` is prepared. */
  find(work: SearchedWork): boolean {
    return work.isHard ? this.#findInLanes(work) : this.#findSingly(work);
  }

  #findSingly(work: SearchedWork): boolean {
    for (let tries = 0; tries < MAX_SINGLE && work.position < NONCES; tries++) {
      writeBigEndian(work.header, work.position++);
      if (this.#isShare(work)) return true;
    }
    return false;
  }

  #findInLanes(work: SearchedWork): boolean {
    const { header, target, found } = work;
    for (let steps = 0; steps < MAX_STEPS || found.length > 0; ) {
      const nonce = found.pop();
      if (nonce !== undefined) {
        writeLittleEndian(header, nonce);
        if (this.#isShare(work)) return true;
        continue;
      }
      const count = Math.min(LANES_STEP, NONCES - work.position) & ~3;
      if (count === 0) {
        work.position = NONCES;
        return false;
      }
      this.#lanes.search(header, target, work.position, count, (hit) => found.push(hit));
      work.position += count;
      steps += 1;
    }
    return false;
  }

  #isShare({ header, target, networkTarget }: SearchedWork): boolean {
    this.#sha256d.header(header, this.#hash);
    if (!meetsTarget(this.#hash, target)) return false;
    if (!this.#sendBlocks && meetsTarget(this.#hash, networkTarget)) {
      this.blocksHeldBack += 1;
      return false;
    }
    this.nonce = (header[76]! | (header[77]! << 8) | (header[78]! << 16) | (header[79]! << 24)) >>> 0;
    return true;
  }
}

/** Positions count in the order of the lanes. */
function writeBigEndian(header: Uint8Array, position: number): void {
  header[76] = position >>> 24;
  header[77] = position >>> 16;
  header[78] = position >>> 8;
  header[79] = position;
}

function writeLittleEndian(header: Uint8Array, nonce: number): void {
  header[76] = nonce;
  header[77] = nonce >>> 8;
  header[78] = nonce >>> 16;
  header[79] = nonce >>> 24;
}
