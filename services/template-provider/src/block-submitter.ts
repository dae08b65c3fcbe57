// From a solution to an accepted block: the transactions from disk, the block to every node at once, each answer told.
import { assembleBlock } from '@sluice/bitcoin/block';
import { sha256d } from '@sluice/bitcoin/hash';
import { decodeHeader } from '@sluice/bitcoin/header';
import { providerWords } from '@sluice/bus/payloads/solution';
import type { NodeSource, SubmitAnswer } from './node-source.ts';
import type { WorkFault } from './required-work.ts';

export interface BlockSolution {
  readonly provider: string;
  /** 0: a block of the coinbase alone. */
  readonly templateId: bigint;
  /** 80 bytes. */
  readonly header: Uint8Array;
  /** Serialized with its witness. */
  readonly coinbase: Uint8Array;
}

/** What became of a solution at one node, or before any node was asked. */
export interface NodeAnswer {
  /** Empty: no node was asked. */
  readonly node: string;
  /** The node's word, or one of `providerWords`; `null` is accepted. */
  readonly answer: SubmitAnswer;
}

export interface BlockSubmitterModules {
  /** Our own name. */
  readonly provider: string;
  readonly nodes: readonly NodeSource[];
  /** What the header lacks in work. */
  workFault(header: Uint8Array, hash: Uint8Array): WorkFault | undefined;
  /** The kept transactions of a template, in block order. */
  transactions(provider: string, templateId: bigint): Promise<Uint8Array[] | undefined>;
  /** For each node once, and once more after `inconclusive`. */
  onAnswer(solution: BlockSolution, hash: Uint8Array, answer: NodeAnswer): void;
  sleep(ms: number): Promise<void>;
  /** Milliseconds from an arbitrary start. */
  monotonic(): number;
}

/** Solutions remembered so that the ways they come by (direct, bus-free, durable) lead to one submission. */
export const KNOWN_SOLUTIONS_BOUND = 256;
/** Solutions that wait for their transactions or for a node; a further one is put off: who brought it brings it again. */
export const SUBMISSIONS_BOUND = 256;
/** Blocks beside the tip that are watched; of a further one `inconclusive` is the last word. */
export const WATCHES_BOUND = 64;
const RETRY_MS = 1_000;
/** For so long a node that cannot be reached is asked again, and transactions that nobody has are looked for again. */
export const PATIENCE_MS = 600_000;
/** A parent that no other node of ours has comes by the node's own connections, or not at all. */
const PARENT_PATIENCE_MS = 60_000;
/** After `inconclusive` the node is asked this often, for ten minutes, whether the block has come into its chain. */
const WATCH_MS = 5_000;

const PARENT_MISSING = 'prev-blk-not-found';
/** A valid block that is not the tip [BIP22]; the second when it was submitted before. */
const UNDECIDED: readonly SubmitAnswer[] = ['inconclusive', 'duplicate-inconclusive'];

export class BlockSubmitter {
  readonly #modules: BlockSubmitterModules;
  readonly #known = new Map<string, Promise<NodeAnswer>>();
  #watches = 0;
  #stopped = false;
  /** Solutions that are on their way. */
  underWay = 0;
  putOff = 0;
  unwatched = 0;

  constructor(modules: BlockSubmitterModules) {
    this.#modules = modules;
  }

  /**
   * Resolves when the first node that can make the block has answered, or when nothing was found to ask a node with; the same solution
   * again gets the same promise. Rejects when no node could be reached in ten minutes, and at once when too many solutions wait.
   */
  submit(solution: BlockSolution): Promise<NodeAnswer> {
    const hash = sha256d(solution.header);
    // The work is the sender's only credential, so it is looked at before anything is read, sent or remembered.
    const fault = this.#modules.workFault(solution.header, hash);
    if (fault !== undefined) return Promise.resolve(this.#refuse(solution, hash, fault));
    const key = Buffer.from(hash).toString('base64');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.underWay >= SUBMISSIONS_BOUND) {
      this.putOff += 1;
      return Promise.reject(new Error(`${SUBMISSIONS_BOUND} solutions wait for an answer already`));
    }
    this.underWay += 1;
    const result = this.#submit(solution, hash).finally(() => {
      this.underWay -= 1;
    });
    this.#known.set(key, result);
    if (this.#known.size > KNOWN_SOLUTIONS_BOUND) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    result.catch(() => this.#known.delete(key));
    return result;
  }

  /** What still waits for a node or for transactions rejects. */
  stop(): void {
    this.#stopped = true;
  }

  async #submit(solution: BlockSolution, hash: Uint8Array): Promise<NodeAnswer> {
    const transactions = await this.#transactions(solution);
    if (transactions === undefined) return this.#refuse(solution, hash, providerWords.templateUnknown);
    const block = assembleBlock(solution.header, solution.coinbase, transactions);
    const asked = this.#modules.nodes.map(async (node) => {
      const answer = { node: node.name, answer: await this.#offer(node, block, solution) };
      this.#modules.onAnswer(solution, hash, answer);
      if (UNDECIDED.includes(answer.answer)) void this.#watch(node, solution, hash);
      return answer;
    });
    const decided = asked.map(async (asking) => {
      const answer = await asking;
      if (answer.answer === providerWords.notItsTemplate) throw new Error(`${answer.node} cannot make the block`);
      return answer;
    });
    return Promise.any(decided).catch(async () => {
      const [answer] = await Promise.all(asked);
      // Another provider's server told the template: that one makes the block.
      const isOthers = solution.provider !== '' && solution.provider !== this.#modules.provider;
      return isOthers && answer !== undefined ? answer : this.#refuse(solution, hash, providerWords.templateUnknown);
    });
  }

  #refuse(solution: BlockSolution, hash: Uint8Array, answer: string): NodeAnswer {
    const refusal = { node: '', answer };
    this.#modules.onAnswer(solution, hash, refusal);
    return refusal;
  }

  /** A solution may be quicker than the copy of its transactions, and who has them may be away. */
  async #transactions({ provider, templateId }: BlockSolution): Promise<readonly Uint8Array[] | undefined> {
    if (templateId === 0n) return [];
    const deadline = this.#modules.monotonic() + PATIENCE_MS;
    for (;;) {
      const transactions = await this.#modules.transactions(provider, templateId);
      if (transactions !== undefined || this.#modules.monotonic() >= deadline) return transactions;
      await this.#pause(RETRY_MS);
    }
  }

  /** Goes on while the node cannot be reached, or lacks the parent. */
  async #offer(node: NodeSource, block: Uint8Array, solution: BlockSolution): Promise<SubmitAnswer> {
    const { monotonic } = this.#modules;
    const deadline = monotonic() + PATIENCE_MS;
    let parentDeadline: number | undefined;
    for (;;) {
      try {
        const answer = await node.submitBlock(block);
        if (answer !== PARENT_MISSING) return answer;
        parentDeadline ??= monotonic() + PARENT_PATIENCE_MS;
        if (monotonic() >= parentDeadline) return answer;
        if (await this.#offerParent(node, solution)) {
          const second = await node.submitBlock(block);
          if (second !== PARENT_MISSING) return second;
        }
      } catch (error) {
        if (monotonic() >= deadline) throw error;
      }
      await this.#pause(RETRY_MS);
    }
  }

  /** Brings the parent from another node to one that lacks it. */
  async #offerParent(node: NodeSource, solution: BlockSolution): Promise<boolean> {
    const parent = decodeHeader(solution.header).prevHash;
    for (const other of this.#modules.nodes) {
      const block = other === node ? undefined : await other.block(parent).catch(() => undefined);
      if (block !== undefined) {
        await node.submitBlock(block);
        return true;
      }
    }
    return false;
  }

  /** A block beside the tip may yet win: the last word is told as well. */
  async #watch(node: NodeSource, solution: BlockSolution, hash: Uint8Array): Promise<void> {
    if (this.#watches >= WATCHES_BOUND) {
      this.unwatched += 1;
      return;
    }
    this.#watches += 1;
    try {
      const answer = await this.#lastWord(node, hash);
      this.#modules.onAnswer(solution, hash, { node: node.name, answer });
    } catch {
      // Stopped: a restart does not go on, and the first word stands.
    } finally {
      this.#watches -= 1;
    }
  }

  async #lastWord(node: NodeSource, hash: Uint8Array): Promise<SubmitAnswer> {
    const deadline = this.#modules.monotonic() + PATIENCE_MS;
    while (this.#modules.monotonic() < deadline) {
      await this.#pause(WATCH_MS);
      if (await node.isInChain(hash).catch(() => false)) return null;
    }
    return providerWords.notInChain;
  }

  async #pause(ms: number): Promise<void> {
    await this.#modules.sleep(ms);
    if (this.#stopped) throw new Error('the provider stops');
  }
}
