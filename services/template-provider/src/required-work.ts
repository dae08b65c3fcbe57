// The work that a header must show before anything is done for it. A solution has no other credential, and its sender chooses the
// target that the header names: so that is held against what our tips and templates asked for.
import { decodeHeader } from '@sluice/bitcoin/header';
import { type Network, networkParameters } from '@sluice/bitcoin/network';
import { compactToTarget, meetsTarget, targetToBytes } from '@sluice/bitcoin/target';
import { providerWords } from '@sluice/bus/payloads/solution';

/** Parents whose targets are remembered; the one that was heard of first goes at the bound. */
export const KNOWN_PARENTS_BOUND = 64;
/** Consensus eases the target by four at most from one period to the next: so may a block on a parent that nobody told us of. */
const LARGEST_EASING = 4n;

export type WorkFault = typeof providerWords.noWork | typeof providerWords.easyTarget;

export class RequiredWork {
  readonly #network: Network;
  /** Compact targets that were asked for on a parent. */
  readonly #known = new Map<string, Set<number>>();
  #newest: number | undefined;

  constructor(network: Network) {
    this.#network = network;
  }

  /** A tip or template asks for blocks on `parent` at this compact target; 0: it is not known. */
  learn(parent: Uint8Array, nbits: number): void {
    if (nbits === 0 || targetOf(nbits) === undefined) return;
    const key = keyOf(parent);
    const targets = this.#known.get(key) ?? new Set();
    this.#known.set(key, targets.add(nbits));
    this.#newest = nbits;
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_PARENTS_BOUND && oldest !== undefined) this.#known.delete(oldest);
  }

  /** @param hash of `header80`, wire order. */
  fault(header80: Uint8Array, hash: Uint8Array): WorkFault | undefined {
    const { nbits, prevHash } = decodeHeader(header80);
    const target = targetOf(nbits);
    if (target === undefined || !meetsTarget(hash, targetToBytes(target))) return providerWords.noWork;
    const { minimumDifficultyBlocks, powLimit } = networkParameters[this.#network];
    const known = this.#known.get(keyOf(prevHash));
    if (known !== undefined && !minimumDifficultyBlocks) return known.has(nbits) ? undefined : providerWords.easyTarget;
    return target <= this.#easiest(compactToTarget(powLimit), minimumDifficultyBlocks)
      ? undefined
      : providerWords.easyTarget;
  }

  #easiest(powLimit: bigint, minimumDifficultyBlocks: boolean): bigint {
    if (this.#newest === undefined || minimumDifficultyBlocks) return powLimit;
    const newest = compactToTarget(this.#newest);
    const eased = LARGEST_EASING * newest;
    // The blocks of a simulated chain may be easier than its network allows.
    const limit = newest > powLimit ? newest : powLimit;
    return eased < limit ? eased : limit;
  }
}

/** `undefined`: negative, or beyond 256 bits. */
function targetOf(nbits: number): bigint | undefined {
  try {
    return compactToTarget(nbits);
  } catch {
    return undefined;
  }
}

const keyOf = (hash: Uint8Array) => Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('base64');
