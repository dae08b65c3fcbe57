// Block candidates and what nodes answered to them, from the durable stream: those of earlier runs as well.
import { displayHash } from '@sluice/bitcoin/display';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import type { StreamMessage } from '@sluice/bus/bus';
import { Solution, SolutionResult } from '@sluice/bus/payloads/solution';
import { subjectName } from '@sluice/bus/subjects';
import { Recent } from './recent.ts';
import type { BlockSeen } from './snapshot.ts';
import { workerName } from './workers.ts';

/** Candidates and answers that wait for each other, and blocks that further answers may be about. */
const REMEMBERED_BOUND = 256;
/** Blocks that are shown. */
export const BLOCKS_SHOWN = 5;
const ACCEPTED = 'accepted';

type Candidate = Omit<BlockSeen, 'answer' | 'atMs'>;
type Answer = Pick<BlockSeen, 'answer' | 'atMs'>;

export class Blocks {
  readonly #candidates = new Recent<Candidate>(REMEMBERED_BOUND);
  /** The answer that counts, until another node takes the block. */
  readonly #answers = new Recent<Answer>(REMEMBERED_BOUND);
  readonly #onBlock: (block: BlockSeen) => void;
  readonly #startedAtMs: number;
  /** Accepted ever, as far as the stream goes back. */
  accepted = 0;
  /** The newest first. */
  latest: readonly BlockSeen[] = [];

  /** @param onBlock called for what becomes known in this run. */
  constructor(startedAtMs: number, onBlock: (block: BlockSeen) => void) {
    this.#startedAtMs = startedAtMs;
    this.#onBlock = onBlock;
  }

  take({ subject, payload, storedAtMs }: StreamMessage): void {
    if (subject === subjectName('solution')) this.#onCandidate(Solution.decode(payload), storedAtMs);
    else this.#onAnswer(SolutionResult.decode(payload), storedAtMs);
  }

  #onCandidate(solution: Solution, storedAtMs: number): void {
    const hash = displayHash(solution.hash);
    if (this.#candidates.get(hash) !== undefined) return;
    const candidate = { hash, worker: workerName(solution), ...coinbaseFacts(solution.coinbase) };
    this.#candidates.set(hash, candidate);
    const answer = this.#answers.get(hash);
    if (answer !== undefined) this.#settle(candidate, answer, storedAtMs);
  }

  #onAnswer(result: SolutionResult, storedAtMs: number): void {
    const hash = displayHash(result.hash);
    const before = this.#answers.get(hash);
    const answer = { answer: result.answer || ACCEPTED, atMs: Number(result.atMicros / 1_000n) };
    if (before !== undefined && (before.answer === ACCEPTED || answer.answer !== ACCEPTED)) return;
    this.#answers.set(hash, answer);
    const candidate = this.#candidates.get(hash);
    if (candidate !== undefined) this.#settle(candidate, answer, storedAtMs);
  }

  #settle(candidate: Candidate, answer: Answer, storedAtMs: number): void {
    const block = { ...candidate, ...answer };
    if (answer.answer === ACCEPTED) this.accepted += 1;
    this.latest = [block, ...this.latest.filter(({ hash }) => hash !== block.hash)].slice(0, BLOCKS_SHOWN);
    if (storedAtMs >= this.#startedAtMs) this.#onBlock(block);
  }
}

/** What a coinbase says of its block: the height [BIP34] and the coins. */
function coinbaseFacts(coinbase: Uint8Array): Pick<BlockSeen, 'height' | 'reward'> {
  const { inputs, outputs } = decodeTransaction(coinbase) ?? { inputs: [], outputs: [] };
  return {
    height: pushedHeight(inputs[0]?.script ?? new Uint8Array(0)),
    reward: outputs.reduce((total, { value }) => total + value, 0n),
  };
}

function pushedHeight(script: Uint8Array): number {
  const [first = 0] = script;
  if (first > 0x50 && first <= 0x60) return first - 0x50;
  return script.subarray(1, 1 + Math.min(first, 5)).reduceRight((height, byte) => height * 256 + byte, 0);
}
