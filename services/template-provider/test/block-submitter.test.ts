import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { compactToTarget, meetsTarget, targetToBytes } from '@sluice/bitcoin/target';
import { describe, expect, it } from 'vitest';
import { type BlockSolution, BlockSubmitter, type NodeAnswer } from '../src/block-submitter.ts';
import type { NodeSource, SubmitAnswer } from '../src/node-source.ts';

const NBITS = 0x207fffff;

function solution(templateId: bigint, parent = 0): BlockSolution {
  const target = targetToBytes(compactToTarget(NBITS));
  for (let nonce = 0; ; nonce += 1) {
    const header = encodeHeader({
      version: 2,
      prevHash: new Uint8Array(32).fill(parent),
      merkleRoot: new Uint8Array(32),
      ntime: 1,
      nbits: NBITS,
      nonce,
    });
    if (meetsTarget(sha256d(header), target))
      return { provider: 'a', templateId, header, coinbase: new Uint8Array(60) };
  }
}

type Reply = SubmitAnswer | Error;

/** Answers in turn; the last answer stays. */
function node(name: string, replies: Reply[], blocks: readonly Uint8Array[] = []) {
  const submitted: Uint8Array[] = [];
  const source: NodeSource = {
    name,
    start: async () => undefined,
    stop: async () => undefined,
    block: async () => blocks[0],
    submitBlock: async (block) => {
      submitted.push(block);
      const reply = replies.length > 1 ? replies.shift() : replies[0];
      if (reply instanceof Error) throw reply;
      return reply ?? null;
    },
  };
  return { source, submitted };
}

function submitter(nodes: readonly NodeSource[], transactions: Uint8Array[] | undefined = []) {
  const answers: NodeAnswer[] = [];
  const made = new BlockSubmitter({
    nodes,
    transactions: async () => transactions,
    onAnswer: (_solution, _hash, answer) => void answers.push(answer),
    sleep: async () => undefined,
  });
  return { made, answers };
}

describe('BlockSubmitter', () => {
  it('sends a block to every node at once and tells each answer', async () => {
    const one = node('one', [null]);
    const two = node('two', ['duplicate']);
    const { made, answers } = submitter([one.source, two.source]);
    await made.submit(solution(1n));
    await new Promise(setImmediate);
    expect(answers).toEqual([
      { node: 'one', answer: null },
      { node: 'two', answer: 'duplicate' },
    ]);
    expect(one.submitted).toEqual(two.submitted);
  });

  it('submits a solution once, whatever ways it comes by', async () => {
    const one = node('one', [null]);
    const { made } = submitter([one.source]);
    const found = solution(1n);
    await Promise.all([made.submit(found), made.submit(found), made.submit({ ...found })]);
    expect(one.submitted).toHaveLength(1);
  });

  it('goes on while a node cannot be reached', async () => {
    const one = node('one', [new Error('away'), new Error('away'), null]);
    const { made } = submitter([one.source]);
    expect(await made.submit(solution(1n))).toEqual([{ node: 'one', answer: null }]);
    expect(one.submitted).toHaveLength(3);
  });

  it('does not wait for a node that is away when another has answered', async () => {
    const dead: NodeSource = { ...node('dead', []).source, submitBlock: () => new Promise(() => undefined) };
    const { made } = submitter([dead, node('two', [null]).source]);
    expect(await made.submit(solution(1n))).toEqual([{ node: 'two', answer: null }]);
  });

  it('brings a missing parent from another node first', async () => {
    const parent = new Uint8Array(90).fill(3);
    const lacks = node('lacks', ['prev-blk-not-found', null, null]);
    const has = node('has', [null], [parent]);
    const { made, answers } = submitter([lacks.source, has.source]);
    await made.submit(solution(1n));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(lacks.submitted[1]).toBe(parent);
    expect(lacks.submitted).toHaveLength(3);
    expect(answers).toContainEqual({ node: 'lacks', answer: null });
  });

  it('refuses a header without work before anything is read or sent', async () => {
    const one = node('one', [null]);
    const { made } = submitter([one.source]);
    const header = solution(1n).header.slice();
    header[3] = 0x7f; // another version: another hash, half of which still meet this target
    let weak = { ...solution(1n), header };
    while (meetsTarget(sha256d(weak.header), targetToBytes(compactToTarget(NBITS)))) {
      const next = weak.header.slice();
      next[0] = (next[0] ?? 0) + 1;
      weak = { ...weak, header: next };
    }
    expect(await made.submit(weak)).toEqual([{ node: '', answer: 'no-proof-of-work' }]);
    expect(one.submitted).toHaveLength(0);
  });

  it('says when the transactions are missing, and tries again when the solution comes again', async () => {
    const one = node('one', [null]);
    const found = solution(5n);
    let kept: Uint8Array[] | undefined;
    const made = new BlockSubmitter({
      nodes: [one.source],
      transactions: async () => kept,
      onAnswer: () => undefined,
      sleep: async () => undefined,
    });
    expect(await made.submit(found)).toEqual([{ node: '', answer: 'template-unknown' }]);
    kept = [new Uint8Array(70)];
    expect(await made.submit(found)).toEqual([{ node: 'one', answer: null }]);
    expect(one.submitted[0]?.length).toBe(80 + 1 + 60 + 70);
  });

  it('needs no transactions for a block of the coinbase alone', async () => {
    const one = node('one', [null]);
    const { made } = submitter([one.source], undefined);
    expect(await made.submit(solution(0n))).toEqual([{ node: 'one', answer: null }]);
  });
});
