import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { ManualClock } from '@sluice/runtime/clock';
import { describe, expect, it } from 'vitest';
import {
  type BlockSolution,
  BlockSubmitter,
  type BlockSubmitterModules,
  type NodeAnswer,
  PATIENCE_MS,
  SUBMISSIONS_BOUND,
  WATCHES_BOUND,
} from '../src/block-submitter.ts';
import type { NodeSource, SubmitAnswer } from '../src/node-source.ts';

function solution(templateId: bigint, nonce = 0): BlockSolution {
  const header = encodeHeader({
    version: 2,
    prevHash: new Uint8Array(32),
    merkleRoot: new Uint8Array(32),
    ntime: 1,
    nbits: 0x207fffff,
    nonce,
  });
  return { provider: 'a', templateId, header, coinbase: new Uint8Array(60) };
}

type Reply = SubmitAnswer | Error;

/** Answers in turn; the last answer stays. */
function node(name: string, replies: Reply[], changes: Partial<NodeSource> = {}) {
  const submitted: Uint8Array[] = [];
  const source: NodeSource = {
    name,
    announces: true,
    start: async () => undefined,
    stop: async () => undefined,
    block: async () => undefined,
    variant: async () => undefined,
    isInChain: async () => false,
    submitBlock: async (block) => {
      submitted.push(block);
      const reply = replies.length > 1 ? replies.shift() : replies[0];
      if (reply instanceof Error) throw reply;
      return reply ?? null;
    },
    ...changes,
  };
  return { source, submitted };
}

/** Time passes by sleeping alone. */
function submitter(nodes: readonly NodeSource[], changes: Partial<BlockSubmitterModules> = {}) {
  const answers: NodeAnswer[] = [];
  const clock = new ManualClock();
  const made = new BlockSubmitter({
    provider: 'a',
    nodes,
    workFault: () => undefined,
    transactions: async () => [],
    onAnswer: (_solution, _hash, answer) => void answers.push(answer),
    sleep: async (ms) => clock.advance(ms),
    monotonic: () => clock.monotonic(),
    ...changes,
  });
  return { made, answers, clock };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('BlockSubmitter', () => {
  it('sends a block to every node at once and tells each answer', async () => {
    const one = node('one', [null]);
    const two = node('two', ['duplicate']);
    const { made, answers } = submitter([one.source, two.source]);
    await made.submit(solution(1n));
    await settled();
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

  it('goes on while a node cannot be reached, for ten minutes', async () => {
    const one = node('one', [new Error('away'), new Error('away'), null]);
    expect(await submitter([one.source]).made.submit(solution(1n))).toEqual({ node: 'one', answer: null });
    expect(one.submitted).toHaveLength(3);
    const { made, clock } = submitter([node('dead', [new Error('away')]).source]);
    await expect(made.submit(solution(1n))).rejects.toThrow();
    expect(clock.monotonic()).toBe(PATIENCE_MS);
  });

  it('does not wait for a node that is away when another has answered', async () => {
    const dead = node('dead', [], { submitBlock: () => new Promise(() => undefined) });
    const { made } = submitter([dead.source, node('two', [null]).source]);
    expect(await made.submit(solution(1n))).toEqual({ node: 'two', answer: null });
  });

  it('brings a missing parent from another node first', async () => {
    const parent = new Uint8Array(90).fill(3);
    const lacks = node('lacks', ['prev-blk-not-found', null, null]);
    const has = node('has', [null], { block: async () => parent });
    const { made, answers } = submitter([lacks.source, has.source]);
    await made.submit(solution(1n));
    await settled();
    expect(lacks.submitted[1]).toBe(parent);
    expect(lacks.submitted).toHaveLength(3);
    expect(answers).toContainEqual({ node: 'lacks', answer: null });
  });

  it('gives a node a minute to get a parent that no other node has', async () => {
    const late = node('late', ['prev-blk-not-found', 'prev-blk-not-found', null]);
    expect(await submitter([late.source]).made.submit(solution(1n))).toEqual({ node: 'late', answer: null });
    const { made, clock } = submitter([node('never', ['prev-blk-not-found']).source]);
    expect(await made.submit(solution(1n))).toEqual({ node: 'never', answer: 'prev-blk-not-found' });
    expect(clock.monotonic()).toBe(60_000);
  });

  it('refuses a header without work before anything is read, sent or remembered', async () => {
    const one = node('one', [null]);
    let fault: 'no-proof-of-work' | undefined = 'no-proof-of-work';
    const { made } = submitter([one.source], { workFault: () => fault });
    const weak = solution(1n);
    expect(await made.submit(weak)).toEqual({ node: '', answer: 'no-proof-of-work' });
    expect(one.submitted).toHaveLength(0);
    fault = undefined;
    expect(await made.submit(weak)).toEqual({ node: 'one', answer: null });
  });

  it('waits for transactions that come late', async () => {
    const one = node('one', [null]);
    const kept: (Uint8Array[] | undefined)[] = [undefined, undefined, [new Uint8Array(70)]];
    const { made, answers, clock } = submitter([one.source], { transactions: async () => kept.shift() });
    expect(await made.submit(solution(5n))).toEqual({ node: 'one', answer: null });
    expect(one.submitted[0]?.length).toBe(80 + 1 + 60 + 70);
    expect(clock.monotonic()).toBe(2_000);
    expect(answers).toHaveLength(1);
  });

  it('says after ten minutes, and not before, that nobody has the transactions', async () => {
    const { made, answers, clock } = submitter([node('one', [null]).source], { transactions: async () => undefined });
    expect(await made.submit(solution(5n))).toEqual({ node: '', answer: 'template-unknown' });
    expect(clock.monotonic()).toBe(PATIENCE_MS);
    expect(answers).toHaveLength(1);
  });

  it('ends what waits when it is stopped', async () => {
    const { made } = submitter([node('one', [null]).source], {
      transactions: async () => undefined,
      sleep: () => new Promise((resolve) => setTimeout(resolve, 1)),
    });
    const waits = made.submit(solution(5n));
    made.stop();
    await expect(waits).rejects.toThrow('stops');
  });

  it('needs no transactions for a block of the coinbase alone', async () => {
    const { made } = submitter([node('one', [null]).source], { transactions: async () => undefined });
    expect(await made.submit(solution(0n))).toEqual({ node: 'one', answer: null });
  });

  it('does not take the word of a server that cannot make the block for an answer', async () => {
    const server = node('server', ['not-its-template']);
    let answer: ((word: SubmitAnswer) => void) | undefined;
    const slow = node('slow', [], { submitBlock: () => new Promise((resolve) => (answer = resolve)) });
    const { made, answers } = submitter([server.source, slow.source]);
    const first = made.submit(solution(1n));
    await settled();
    expect(answers).toEqual([{ node: 'server', answer: 'not-its-template' }]);
    answer?.(null);
    expect(await first).toEqual({ node: 'slow', answer: null });
  });

  it('refuses a block of its own that no server can make, leaves that of another provider to it, and asks again where one could not be reached', async () => {
    const servers = ['one', 'two'].map((name) => node(name, ['not-its-template']).source);
    const { made, answers } = submitter(servers);
    expect(await made.submit(solution(1n))).toEqual({ node: '', answer: 'template-unknown' });
    expect(answers.at(-1)).toEqual({ node: '', answer: 'template-unknown' });
    const ofOther = { ...solution(2n, 1), provider: 'b' };
    expect(await made.submit(ofOther)).toEqual({ node: 'one', answer: 'not-its-template' });
    const away = node('away', [new Error('away')]);
    const { made: other } = submitter([...servers, away.source]);
    await expect(other.submit(solution(1n))).rejects.toThrow();
    expect(away.submitted.length).toBeGreaterThan(500);
  });

  it('tells the last word about a block that was inconclusive', async () => {
    let asked = 0;
    const wins = node('wins', ['inconclusive'], { isInChain: async (hash) => hash.length === 32 && ++asked === 3 });
    const { made, answers } = submitter([wins.source]);
    expect(await made.submit(solution(1n))).toEqual({ node: 'wins', answer: 'inconclusive' });
    await settled();
    expect(answers).toEqual([
      { node: 'wins', answer: 'inconclusive' },
      { node: 'wins', answer: null },
    ]);
    const lost = submitter([node('loses', ['duplicate-inconclusive'], { isInChain: () => Promise.reject() }).source]);
    await lost.made.submit(solution(1n));
    await settled();
    expect(lost.answers.at(-1)).toEqual({ node: 'loses', answer: 'not-in-active-chain' });
  });

  it('puts off what comes while too many wait, and takes it when it comes again', async () => {
    const transactions = Promise.withResolvers<Uint8Array[]>();
    const { made } = submitter([node('one', [null]).source], { transactions: () => transactions.promise });
    const waiting = Array.from({ length: SUBMISSIONS_BOUND }, (_, nonce) => made.submit(solution(1n, nonce)));
    const further = solution(1n, SUBMISSIONS_BOUND);
    await expect(made.submit(further)).rejects.toThrow('wait for an answer');
    expect([made.underWay, made.putOff]).toEqual([SUBMISSIONS_BOUND, 1]);
    transactions.resolve([]);
    await Promise.all(waiting);
    expect(await made.submit(further)).toEqual({ node: 'one', answer: null });
    expect(made.underWay).toBe(0);
  });

  it('watches a bounded number of blocks', async () => {
    const { made } = submitter([node('one', ['inconclusive']).source], {
      sleep: () => new Promise((resolve) => setTimeout(resolve, 1)),
    });
    for (let nonce = 0; nonce < WATCHES_BOUND + 2; nonce += 1) await made.submit(solution(1n, nonce));
    expect(made.unwatched).toBe(2);
    made.stop();
  });

  it('names a solution by its header', async () => {
    const hashes: Uint8Array[] = [];
    const found = solution(1n, 7);
    const { made } = submitter([node('one', [null]).source], { onAnswer: (_, hash) => void hashes.push(hash) });
    await made.submit(found);
    expect(hashes).toEqual([sha256d(found.header)]);
  });
});
