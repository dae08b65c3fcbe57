// The last headers of a node's chain: enough to place a new block (height, chainwork, smallest time of the next) by its
// header alone, without asking the node.
import { medianTimePast, minimumTime } from '@sluice/bitcoin/chain';
import { sha256d } from '@sluice/bitcoin/hash';
import { decodeHeader } from '@sluice/bitcoin/header';
import { mayChangeBits, type Network } from '@sluice/bitcoin/network';
import { compactToTarget, workOfTarget } from '@sluice/bitcoin/target';
import type { TipNews } from '../node-source.ts';

/** Consensus takes the median of eleven times. */
const MEDIAN_TIME_SPAN = 11;
/** Kept headers: the span, and room for a reorganisation of a few blocks. */
export const HEADER_CHAIN_BOUND = 64;

export interface KnownHeader {
  readonly hash: Uint8Array;
  readonly previousHash: Uint8Array;
  readonly height: number;
  readonly chainwork: bigint;
  readonly time: number;
  readonly nbits: number;
}

/** Of a block whose header is here. */
export type HeaderNews = TipNews & { readonly header: Uint8Array };

/** What the first block of a chain stands on. */
const BEFORE_THE_FIRST = { height: -1, chainwork: 0n } as const;

const key = (hash: Uint8Array) => Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('base64');

export class HeaderChain {
  readonly #network: Network;
  /** In order of arrival; the oldest goes first at the bound. */
  readonly #headers = new Map<string, KnownHeader>();

  constructor(network: Network) {
    this.#network = network;
  }

  has(hash: Uint8Array): boolean {
    return this.#headers.has(key(hash));
  }

  add(header: KnownHeader): void {
    this.#headers.set(key(header.hash), header);
    if (this.#headers.size > HEADER_CHAIN_BOUND) {
      const [oldest] = this.#headers.keys();
      if (oldest !== undefined) this.#headers.delete(oldest);
    }
  }

  /** Adds a block by its 80 header bytes, or the first of the chain; `undefined` when its parent, or too few of its ancestors, are known. */
  place(header80: Uint8Array, seenAtMicros: bigint): HeaderNews | undefined {
    const header = decodeHeader(header80);
    const isFirst = header.prevHash.every((byte) => byte === 0);
    const parent = isFirst ? BEFORE_THE_FIRST : this.#headers.get(key(header.prevHash));
    if (parent === undefined) return undefined;
    const known: KnownHeader = {
      hash: sha256d(header80),
      previousHash: header.prevHash,
      height: parent.height + 1,
      chainwork: parent.chainwork + workOfTarget(compactToTarget(header.nbits)),
      time: header.ntime,
      nbits: header.nbits,
    };
    const times = this.#times(known);
    if (times === undefined) return undefined;
    this.add(known);
    return {
      hash: known.hash,
      header: header80,
      height: known.height,
      chainwork: known.chainwork,
      minNtime: minimumTime(known.height + 1, known.time, medianTimePast(times), this.#network),
      nextNbits: mayChangeBits(known.height + 1, this.#network) ? 0 : known.nbits,
      seenAtMicros,
    };
  }

  /** Times of a block and the ten before it; fewer only where the chain begins. */
  #times(tip: KnownHeader): number[] | undefined {
    const times = [tip.time];
    let at = tip;
    while (times.length < MEDIAN_TIME_SPAN && at.height > 0) {
      const parent = this.#headers.get(key(at.previousHash));
      if (parent === undefined) return undefined;
      times.push(parent.time);
      at = parent;
    }
    return times;
  }
}
