// Blocks that the farm has found on a node of its own. Nobody answers SubmitSolution: the node's word on a block is that it is its tip. Until
// then a block is kept and sent again on each new connection, since one that was lost on its way is lost money, and twice the same does no harm.
import { equalBytes } from '@sluice/bitcoin/serialize';
import type { Logger } from '@sluice/runtime/logger';
import type { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import type { ProxyCounters } from '../counters.ts';

/** So long after a block was sent its node may tell another tip before it is given up. */
export const TIP_OF_BLOCK_MS = 5_000;
/** No block is kept for longer: others have built on another one. */
export const KEPT_MS = 600_000;
/** The oldest is given up. */
export const BLOCKS_BOUND = 64;

export interface FoundBlock {
  /** 32 bytes, wire order. */
  readonly hash: Uint8Array;
  readonly prevHash: Uint8Array;
  readonly height: number;
  readonly solution: SubmitSolution;
}

interface Kept {
  readonly block: FoundBlock;
  readonly foundMs: number;
  /** On the present connection; `undefined`: not yet. */
  sentMs: number | undefined;
}

export interface SoloBlocksModules {
  readonly log: Logger;
  readonly counters: ProxyCounters;
}

/** For one node, over its connections. Times are milliseconds of a monotonic clock. */
export class SoloBlocks {
  readonly #node: string;
  readonly #modules: SoloBlocksModules;
  /** In order of their finding, so that a block comes before those on it. */
  readonly #kept: Kept[] = [];
  #send: ((solution: SubmitSolution) => void) | undefined;
  #tip: Uint8Array | undefined;

  /** @param node for people. */
  constructor(node: string, modules: SoloBlocksModules) {
    this.#node = node;
    this.#modules = modules;
  }

  /** Blocks of which it is not known that the node has them. */
  get size(): number {
    return this.#kept.length;
  }

  /** When the oldest that waits for the node's word was sent; `undefined`: none waits. */
  get oldestSentMs(): number | undefined {
    return this.#kept.find(({ sentMs }) => sentMs !== undefined)?.sentMs;
  }

  /** Sends it at once, or when there is a connection. */
  add(block: FoundBlock, nowMs: number): void {
    const { counters, log } = this.#modules;
    const kept: Kept = { block, foundMs: nowMs, sentMs: undefined };
    this.#kept.push(kept);
    this.#deliver(kept, nowMs);
    counters.sharesForwarded += 1;
    counters.soloBlocks += 1;
    log.info(this.#facts(block), 'the farm has found a block');
    if (this.#kept.length > BLOCKS_BOUND) this.#giveUp(this.#kept.slice(0, 1));
  }

  /** A new connection takes solutions. */
  connected(send: (solution: SubmitSolution) => void, nowMs: number): void {
    this.#send = send;
    for (const kept of this.#kept) this.#deliver(kept, nowMs);
  }

  /** It takes none any more: whether it has the last ones is not known. */
  disconnected(): void {
    this.#send = undefined;
    for (const kept of this.#kept) kept.sentMs = undefined;
  }

  /** What the node builds upon, 32 bytes. */
  tip(hash: Uint8Array): void {
    this.#tip = hash;
    const at = this.#kept.findIndex(({ block }) => equalBytes(block.hash, hash));
    const [kept] = at === -1 ? [] : this.#kept.splice(at, 1);
    if (kept === undefined) return;
    const { counters, log } = this.#modules;
    counters.upstreamAccepted += 1;
    counters.soloBlocksConfirmed += 1;
    log.info(this.#facts(kept.block), "the farm's block is the tip of its node");
  }

  /** Called several times a second. */
  tick(nowMs: number): void {
    const lost = this.#kept.filter(({ block, foundMs, sentMs }) => {
      const isOvertaken = this.#tip !== undefined && !equalBytes(this.#tip, block.prevHash);
      return nowMs - foundMs >= KEPT_MS || (isOvertaken && sentMs !== undefined && nowMs - sentMs >= TIP_OF_BLOCK_MS);
    });
    if (lost.length > 0) this.#giveUp(lost);
  }

  #deliver(kept: Kept, nowMs: number): void {
    if (this.#send === undefined) return;
    kept.sentMs = nowMs;
    this.#send(kept.block.solution);
  }

  #giveUp(lost: readonly Kept[]): void {
    for (const kept of lost) {
      this.#kept.splice(this.#kept.indexOf(kept), 1);
      this.#modules.counters.upstreamUnanswered += 1;
      this.#modules.log.warn(this.#facts(kept.block), 'a block of the farm was not told as the tip of its node');
    }
  }

  #facts({ hash, height }: FoundBlock) {
    return { upstream: this.#node, height, hash: Buffer.from(hash).reverse().toString('hex') };
  }
}
