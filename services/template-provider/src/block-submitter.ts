// From a solution to an accepted block: the transactions from disk, the block to every node at once, each answer told.
import { assembleBlock } from '@sluice/bitcoin/block';
import { sha256d } from '@sluice/bitcoin/hash';
import { decodeHeader } from '@sluice/bitcoin/header';
import { compactToTarget, meetsTarget, targetToBytes } from '@sluice/bitcoin/target';
import type { NodeSource, SubmitAnswer } from './node-source.ts';

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
  readonly node: string;
  /** The node's word; `null` is accepted. */
  readonly answer: SubmitAnswer;
}

export const SolutionRefusal = {
  /** The header's hash does not meet its own compact target. */
  belowTarget: 'no-proof-of-work',
  /** No provider that could be asked holds the template's transactions. */
  unknownTemplate: 'template-unknown',
} as const;

export interface BlockSubmitterModules {
  readonly nodes: readonly NodeSource[];
  /** The kept transactions of a template, in block order. */
  transactions(provider: string, templateId: bigint): Promise<Uint8Array[] | undefined>;
  onAnswer(solution: BlockSolution, hash: Uint8Array, answer: NodeAnswer): void;
  /** Rejects when `signal` ends it. */
  sleep(ms: number): Promise<void>;
}

/** Solutions remembered so that the ways they come by (direct, bus-free, durable) lead to one submission. */
export const KNOWN_SOLUTIONS_BOUND = 256;
/** A node that cannot be reached is asked again this often, for ten minutes. */
const RETRY_MS = 1_000;
const RETRIES = 600;

/** These words end the matter at a node [BIP22]; so does every reason for which it calls the block invalid. */
const PARENT_MISSING = 'prev-blk-not-found';

export class BlockSubmitter {
  readonly #modules: BlockSubmitterModules;
  readonly #known = new Map<string, Promise<readonly NodeAnswer[]>>();

  constructor(modules: BlockSubmitterModules) {
    this.#modules = modules;
  }

  /** Resolves when the first node has answered; the same solution again gets the same promise. */
  submit(solution: BlockSolution): Promise<readonly NodeAnswer[]> {
    const hash = sha256d(solution.header);
    const key = Buffer.from(hash).toString('base64');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const result = this.#submit(solution, hash);
    this.#known.set(key, result);
    if (this.#known.size > KNOWN_SOLUTIONS_BOUND) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    // A template that is not here yet may come with a later try.
    const forget = () => void this.#known.delete(key);
    result.then(([first]) => (first?.answer === SolutionRefusal.unknownTemplate ? forget() : undefined), forget);
    return result;
  }

  async #submit(solution: BlockSolution, hash: Uint8Array): Promise<readonly NodeAnswer[]> {
    // The work is the sender's only credential, so it is looked at before anything is read or sent.
    const target = targetToBytes(compactToTarget(decodeHeader(solution.header).nbits));
    if (!meetsTarget(hash, target)) return this.#refuse(solution, hash, SolutionRefusal.belowTarget);
    const transactions =
      solution.templateId === 0n ? [] : await this.#modules.transactions(solution.provider, solution.templateId);
    if (transactions === undefined) return this.#refuse(solution, hash, SolutionRefusal.unknownTemplate);
    const block = assembleBlock(solution.header, solution.coinbase, transactions);
    const asked = this.#modules.nodes.map(async (node) => {
      const answer = { node: node.name, answer: await this.#offer(node, block, solution) };
      this.#modules.onAnswer(solution, hash, answer);
      return answer;
    });
    return [await Promise.any(asked)];
  }

  #refuse(solution: BlockSolution, hash: Uint8Array, answer: string): readonly NodeAnswer[] {
    const refusal = { node: '', answer };
    this.#modules.onAnswer(solution, hash, refusal);
    return [refusal];
  }

  /** Goes on while the node cannot be reached. */
  async #offer(node: NodeSource, block: Uint8Array, solution: BlockSolution): Promise<SubmitAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await node.submitBlock(block);
        if (answer !== PARENT_MISSING || !(await this.#offerParent(node, solution))) return answer;
        return await node.submitBlock(block);
      } catch (error) {
        if (attempt >= RETRIES) throw error;
        await this.#modules.sleep(RETRY_MS);
      }
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
}
