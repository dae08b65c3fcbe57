// All headers of one piece of work, in ranges: nonces first, then version bits, then ntime or the extranonce. Every header is
// given out once.
import { writeHeader } from '@sluice/bitcoin/header';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { ExtendedSource, Work } from './channel.ts';
import { NONCE_SPACE } from './hashing/nonce-search.ts';

/** Version bits that BIP323 leaves to miners. */
export const ROLLABLE_VERSION_BITS = 0x1fff_ffe0;
const FIRST_ROLLABLE_BIT = 5;
const ROLLABLE_VALUES = 2 ** 24;
/** Bytes of the extranonce that are counted: more headers than anybody can hash. */
const COUNTED_EXTRANONCE_BYTES = 4;

/** A range of nonces of one header. */
export interface HeaderRange {
  readonly header: Uint8Array;
  readonly first: number;
  readonly count: number;
  readonly version: number;
  readonly ntime: number;
  readonly extranonce: Uint8Array;
}

export interface SearchSpaceOptions {
  readonly sha256d: Sha256dBackend;
  /** Whether the pool allows it at all; the job has a word in it too. */
  readonly versionRolling: boolean;
  /** Counts start here, so that a restarted miner does not do the same headers again: any 32 bits. */
  readonly start: number;
}

export class SearchSpace {
  readonly work: Work;
  readonly #sha256d: Sha256dBackend;
  readonly #rolls: boolean;
  readonly #start: number;
  readonly #versionCount: number;
  /** Headers given out so far; the nonces of the last one from `#position` on are left. */
  #headers = 0;
  #position = NONCE_SPACE;
  #current: Omit<HeaderRange, 'first' | 'count'> | undefined;

  constructor(work: Work, { sha256d, versionRolling, start }: SearchSpaceOptions) {
    this.work = work;
    this.#sha256d = sha256d;
    this.#rolls = versionRolling && work.job.versionRollingAllowed;
    this.#start = start >>> 0;
    this.#versionCount = this.#rolls ? ROLLABLE_VALUES : 1;
  }

  /** The next at most `count` headers (a multiple of four); `undefined`: there is nothing left before `now` moves on. */
  take(count: number, now: number): HeaderRange | undefined {
    if (this.#position >= NONCE_SPACE) {
      const next = this.#nextHeader(now);
      if (next === undefined) return undefined;
      this.#current = next;
      this.#headers += 1;
      this.#position = 0;
    }
    const first = this.#position;
    const taken = Math.min(count, NONCE_SPACE - first);
    this.#position += taken;
    return { ...this.#current!, first, count: taken };
  }

  #nextHeader(now: number): Omit<HeaderRange, 'first' | 'count'> | undefined {
    const { work } = this;
    // The clock moves ntime; it must not run ahead of what the time since the message allows [sv2 5.3.11].
    const elapsed = Math.max(0, Math.floor((now - work.since) / 1000));
    const round = Math.floor(this.#headers / this.#versionCount);
    const roll = (this.#start + this.#headers) % this.#versionCount;
    const extended = work.channel.kind === 'extended';
    // A standard channel has nothing but ntime to go on with when its versions are used up.
    if (!extended && round > elapsed) return undefined;
    const ntime = work.minNtime + (extended ? elapsed : round);
    const version = this.#rolls ? rollVersion(work.job.version, roll) : work.job.version;
    const extranonce = this.#extranonce(round);
    const header = new Uint8Array(80);
    writeHeader(header, version, work.tip.prevHash, this.#merkleRoot(extranonce), ntime, work.tip.nbits, 0);
    return { header, version, ntime, extranonce };
  }

  /** Rolled bytes of an extended channel: a counter at their end. */
  #extranonce(round: number): Uint8Array {
    const extranonce = new Uint8Array(this.work.channel.extranonceSize);
    let rest = (this.#start + round) >>> 0;
    for (let index = extranonce.length - 1, left = COUNTED_EXTRANONCE_BYTES; index >= 0 && left > 0; index--, left--) {
      extranonce[index] = rest & 0xff;
      rest >>>= 8;
    }
    return extranonce;
  }

  #merkleRoot(extranonce: Uint8Array): Uint8Array {
    const { source } = this.work.job;
    if ('merkleRoot' in source) return source.merkleRoot;
    const root = new Uint8Array(32);
    this.#sha256d.foldMerkle(this.#sha256d.sha256d(coinbaseOf(source, extranonce)), source.merklePath, root);
    return root;
  }
}

/** The BIP141-stripped coinbase with the whole extranonce in its place. */
function coinbaseOf(source: ExtendedSource, extranonce: Uint8Array): Uint8Array {
  const { coinbasePrefix, extranoncePrefix, coinbaseSuffix } = source;
  return Uint8Array.from(Buffer.concat([coinbasePrefix, extranoncePrefix, extranonce, coinbaseSuffix]));
}

/** The version of the job with the rollable bits counted up from its own. */
export function rollVersion(version: number, roll: number): number {
  const own = (version & ROLLABLE_VERSION_BITS) >>> FIRST_ROLLABLE_BIT;
  const bits = ((own + roll) % ROLLABLE_VALUES) << FIRST_ROLLABLE_BIT;
  return ((version & ~ROLLABLE_VERSION_BITS) | bits) >>> 0;
}
