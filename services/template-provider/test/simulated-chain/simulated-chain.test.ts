import { decodeBlock } from '@sluice/bitcoin/block';
import { encodeOutput, witnessCommitment, witnessCommitmentScript } from '@sluice/bitcoin/coinbase';
import { decodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath, merkleRoot } from '@sluice/bitcoin/merkle';
import { subsidy } from '@sluice/bitcoin/network';
import { equalBytes } from '@sluice/bitcoin/serialize';
import { compactToTarget, targetFromBytes, workOfTarget } from '@sluice/bitcoin/target';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { ManualClock } from '@sluice/runtime/clock';
import { describe, expect, test } from 'vitest';
import type { TipNews } from '../../src/node-source.ts';
import type { PreparedTemplate } from '../../src/prepare-template.ts';
import { KEPT_BLOCKS } from '../../src/simulated-chain/block-index.ts';
import { SimulatedChain, type SimulatedChainOptions } from '../../src/simulated-chain/simulated-chain.ts';
import { decodeTemplateBody } from '../../src/template-body.ts';
import { blockOfTemplate, PAYOUT, type Wrongs } from './block-of-template.ts';
import { wrongBlocks } from './wrong-blocks.ts';

const EASY = 0x207fffff;
const options: SimulatedChainOptions = {
  network: 'regtest',
  nbits: EASY,
  reserve: { outputsSize: 500, outputsSigops: 10 },
  transactions: 5,
  transactionFiller: 40,
  templateSeconds: 30,
};

/** A chain with what it told so far, on a clock that the test moves. */
function started(changes: Partial<SimulatedChainOptions> = {}) {
  const clock = new ManualClock();
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  const tasks = new Map<number, { at: number; task: () => void }>();
  let lastTask = 0;
  const schedule = (ms: number, task: () => void) => {
    const id = ++lastTask;
    tasks.set(id, { at: clock.monotonic() + ms, task });
    return () => void tasks.delete(id);
  };
  const pass = (ms: number) => {
    const end = clock.monotonic() + ms;
    for (;;) {
      const [next] = [...tasks].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined) break;
      tasks.delete(next[0]);
      clock.advance(Math.max(0, next[1].at - clock.monotonic()));
      next[1].task();
    }
    clock.advance(end - clock.monotonic());
  };
  const tips: TipNews[] = [];
  const templates: PreparedTemplate[] = [];
  const health: (string | undefined)[] = [];
  const chain = new SimulatedChain({ ...options, ...changes }, { clock, random, schedule });
  void chain.start({
    onTip: (news) => tips.push(news),
    onTemplate: (template) => templates.push(template),
    onHealth: (trouble) => health.push(trouble),
  });
  const submit = (wrongs: Wrongs = {}, template = templates.at(-1)!) =>
    chain.submitBlock(blockOfTemplate(template, wrongs));
  return { chain, clock, pass, tips, templates, health, tasks, submit };
}

describe('what it offers', () => {
  test('a tip, then a template on it, and nothing after stop', async () => {
    const { chain, tips, templates, health, tasks } = started({ otherBlockSeconds: 10 });
    expect(health).toEqual([undefined]);
    expect(tips).toHaveLength(1);
    expect(templates).toHaveLength(1);
    expect(tips[0]).toMatchObject({ height: 0, nextNbits: EASY });
    expect(templates[0]).toMatchObject({
      height: 1,
      prevHash: tips[0]!.hash,
      minNtime: tips[0]!.minNtime,
      nbits: EASY,
    });
    await chain.stop();
    expect(tasks.size).toBe(0);
    chain.mineBlock();
    expect(tips).toHaveLength(1);
  });

  test('transactions that are real ones, whose fees are in the value', () => {
    const { templates, chain } = started();
    chain.mineBlock();
    const template = templates.at(-1)!;
    const transactions = decodeTemplateBody(template.body)!.map((body) => decodeTransaction(body)!);
    expect(transactions).toHaveLength(5);
    for (const { txid, wtxid, weight, size } of transactions) {
      expect(equalBytes(txid, wtxid)).toBe(false);
      expect(weight).toBeLessThan(4 * size);
    }
    expect(template.fees).toBeGreaterThan(0n);
    expect(template.coinbaseValue).toBe(subsidy(2, 'regtest') + template.fees);
    const leaf = new Uint8Array(32).fill(1);
    expect(foldMerklePath(leaf, template.merklePath)).toEqual(
      merkleRoot([leaf, ...transactions.map(({ txid }) => txid)]),
    );
  });

  test('more transactions with time, also some that stand on others of the same template', () => {
    const { pass, templates, submit } = started({ transactions: 40 });
    pass(60_000);
    expect(templates.map(({ transactionCount }) => transactionCount)).toEqual([40, 80, 120]);
    const transactions = decodeTemplateBody(templates.at(-1)!.body)!.map((body) => decodeTransaction(body)!);
    const txids = new Set(transactions.map(({ txid }) => Buffer.from(txid).toString('hex')));
    const dependent = transactions.filter(({ inputs }) => txids.has(Buffer.from(inputs[0]!.prevTxid).toString('hex')));
    expect(dependent.length).toBe(120 - 64);
    return expect(submit()).resolves.toBeNull();
  });

  test('a template as large as a block may be, and not larger', async () => {
    const { templates, submit, chain } = started({ transactions: 200, transactionFiller: 20_000 });
    expect(templates.at(-1)!.weight).toBeGreaterThan(3_900_000);
    expect(templates.at(-1)!.weight).toBeLessThan(4_000_000);
    expect(await submit()).toBeNull();
    chain.mineBlock();
    expect(chain.height).toBe(2);
  });

  test('a new start claims more work than a chain before it did', () => {
    const first = started();
    for (let count = 0; count < 20; count += 1) first.chain.mineBlock();
    const clock = new ManualClock(first.clock.now() + 1);
    const next = new SimulatedChain(options, { clock, random: () => 0.5, schedule: () => () => {} });
    let chainwork = 0n;
    void next.start({ onTip: (news) => (chainwork = news.chainwork), onTemplate() {}, onHealth() {} });
    expect(chainwork).toBeGreaterThan(first.tips.at(-1)!.chainwork);
  });
});

describe('a submitted block', () => {
  test('that keeps the rules is the tip when the answer is given', async () => {
    const { chain, tips, templates, submit } = started();
    expect(await submit()).toBeNull();
    expect(chain.height).toBe(1);
    expect(tips).toHaveLength(2);
    expect(templates.at(-1)).toMatchObject({ height: 2, prevHash: tips[1]!.hash });
    expect(tips[1]!.chainwork - tips[0]!.chainwork).toBe(workOfTarget(compactToTarget(EASY)));
    expect(decodeHeader(tips[1]!.header!).prevHash).toEqual(tips[0]!.hash);
    const block = decodeBlock((await chain.block(tips[1]!.hash))!)!;
    expect(block.transactions).toHaveLength(6);
    expect(block.transactions[0]!.outputs[0]!.script).toEqual(PAYOUT);
    expect(await chain.block(new Uint8Array(32))).toBeUndefined();
  });

  test('without any transaction is as good', async () => {
    const { submit } = started({ transactions: 0 });
    expect(await submit()).toBeNull();
    expect(await submit()).toBeNull();
  });

  test.each(wrongBlocks)('is %s: %s', async (answer, _, wrongs) => {
    const { chain, templates, submit } = started();
    expect(await submit(wrongs(templates.at(-1)!))).toBe(answer);
    expect(chain.height).toBe(0);
    // The chain is as it was: the right block is still taken.
    expect(await submit()).toBeNull();
  });

  test('is bad-txns-duplicate when the tree hides a repeated transaction', async () => {
    const { submit } = started({ transactions: 4 });
    // Five leaves: the last is paired with itself, so that six leaves with it twice have the same root.
    expect(await submit({ transactions: (bodies) => [...bodies, bodies.at(-1)!] })).toBe('bad-txns-duplicate');
  });

  test('is refused for what its transactions spend, and so is all on it', async () => {
    const { chain, templates, submit } = started({ transactions: 3 });
    const spentAgain = templates.at(-1)!;
    expect(await submit()).toBeNull();
    const next = templates.at(-1)!;
    // The transactions of the block before, in a block that is right in all but that.
    const { prevHash, height, coinbasePrefix, coinbaseLocktime, minNtime } = next;
    const repeated = { ...spentAgain, prevHash, height, coinbasePrefix, coinbaseLocktime, minNtime };
    const block = blockOfTemplate(repeated);
    expect(await chain.submitBlock(block)).toBe('bad-txns-inputs-missingorspent');
    expect(await chain.submitBlock(block)).toBe('duplicate-invalid');
    const onIt = { ...repeated, prevHash: decodeBlock(block)!.hash };
    expect(await submit({}, onIt)).toBe('bad-prevblk');
    expect(await submit({}, next)).toBeNull();
  });

  test('is refused when the coinbase goes without its witness, although a node would put it in', async () => {
    const { submit } = started();
    expect(await submit({ witness: (coinbase) => coinbase })).toBe('bad-witness-nonce-size');
  });

  test('is high-hash when its nBits are no target', async () => {
    const { chain, templates } = started();
    const block = blockOfTemplate(templates[0]!);
    block.set([0x00, 0x00, 0x81, 0x01], 72);
    expect(await chain.submitBlock(block)).toBe('high-hash');
  });

  /** A block whose one transaction is this one, with the merkle path and commitment that it asks for. */
  const carrying = (bytes: Uint8Array): Wrongs => {
    const { txid, wtxid } = decodeTransaction(bytes)!;
    const script = witnessCommitmentScript(witnessCommitment([wtxid]));
    return {
      transactions: () => [bytes],
      merklePath: [txid],
      coinbase: { trailingOutputs: { count: 1, bytes: encodeOutput({ value: 0n, script }) } },
    };
  };

  test('is judged by the witness that opens its coins', async () => {
    const { templates, submit } = started({ transactions: 1 });
    const [body] = decodeTemplateBody(templates.at(-1)!.body)!;
    // OP_1NEGATE instead of OP_TRUE: another script than the one that the coin is locked to.
    const forged = Uint8Array.from(body!);
    forged[forged.length - 5] = 0x4f;
    expect(await submit({ transactions: () => [forged] })).toBe('bad-witness-merkle-match');
    expect(await submit(carrying(forged))).toBe('mandatory-script-verify-flag-failed');
    expect(await submit(carrying(body!))).toBeNull();
  });

  test('is refused when a transaction pays out more than it spends', async () => {
    const { templates, submit } = started({ transactions: 1 });
    const [body] = decodeTemplateBody(templates.at(-1)!.body)!;
    const generous = Uint8Array.from(body!);
    // Behind version, marker, flag, count, outpoint, empty script, sequence and count: the first output's value.
    new DataView(generous.buffer).setBigUint64(4 + 2 + 1 + 36 + 1 + 4 + 1, 50_00000001n, true);
    expect(await submit(carrying(generous))).toBe('bad-txns-in-belowout');
    expect(await submit()).toBeNull();
  });

  test('has one coinbase, the first transaction', async () => {
    const { chain, templates, submit } = started({ transactions: 1 });
    const other = decodeBlock(blockOfTemplate(templates[0]!, { coinbase: { tag: Buffer.from('other') } }))!;
    expect(await submit(carrying(other.transactions[0]!.bytes))).toBe('bad-cb-multiple');
    const [body] = decodeTemplateBody(templates[0]!.body)!;
    const { txid } = decodeTransaction(body!)!;
    const headless = blockOfTemplate(templates[0]!, {
      header: { merkleRoot: txid },
      witness: () => body!,
      transactions: () => [],
    });
    expect(await chain.submitBlock(headless)).toBe('bad-cb-missing');
  });

  test('is a duplicate the second time, and inconclusive beside a tip of equal work', async () => {
    const { chain, templates, tips } = started();
    const first = blockOfTemplate(templates[0]!);
    expect(await chain.submitBlock(first)).toBeNull();
    expect(await chain.submitBlock(first)).toBe('duplicate');
    const beside = blockOfTemplate(templates[0]!, { coinbase: { tag: Buffer.from('late') } });
    expect(await chain.submitBlock(beside)).toBe('inconclusive');
    expect(tips).toHaveLength(2);
    expect(chain.tipHash).toEqual(decodeBlock(first)!.hash);
  });

  test('of bytes is never an exception', async () => {
    const { chain, templates } = started();
    const block = blockOfTemplate(templates[0]!);
    // Behind the header, whose nonce and time may be other ones; all else is bound by some hash.
    for (let at = 80; at < block.length; at += 1) {
      const broken = Uint8Array.from(block);
      broken[at] = broken[at]! ^ 0xff;
      expect(typeof (await chain.submitBlock(broken)), `byte ${at}`).toBe('string');
      expect(typeof (await chain.submitBlock(block.subarray(0, at)))).toBe('string');
    }
    expect(await chain.submitBlock(block)).toBeNull();
  });
});

describe('blocks of somebody else', () => {
  test('come by command, with what waits, and with work while work is easy', async () => {
    const { chain, tips, templates } = started();
    const waiting = templates.at(-1)!;
    const hash = chain.mineBlock();
    expect(tips.at(-1)!.hash).toEqual(hash);
    expect(targetFromBytes(hash) <= compactToTarget(EASY)).toBe(true);
    const block = decodeBlock((await chain.block(hash))!)!;
    expect(block.transactions.slice(1).map(({ bytes }) => [...bytes])).toEqual(
      decodeTemplateBody(waiting.body)!.map((body) => [...body]),
    );
    expect(block.transactions[0]!.outputs[0]!.value).toBe(waiting.coinbaseValue);
  });

  test('come by the clock at random, with the mean asked for', () => {
    const { chain, pass } = started({ otherBlockSeconds: 10, transactions: 0, templateSeconds: 10_000 });
    pass(3_000_000);
    expect(chain.height).toBeGreaterThan(240);
    expect(chain.height).toBeLessThan(360);
  });

  test('make a job on the old tip stale, and a block of it inconclusive', async () => {
    const { chain, templates } = started();
    const old = templates.at(-1)!;
    chain.mineBlock();
    expect(await chain.submitBlock(blockOfTemplate(old))).toBe('inconclusive');
  });
});

test('nBits can be set for the blocks after the next one', async () => {
  const { chain, templates, submit, tips } = started();
  const harder = 0x2000ffff;
  chain.setNbits(harder);
  expect(await submit()).toBeNull();
  expect(tips.at(-1)!.nextNbits).toBe(harder);
  expect(templates.at(-1)!.nbits).toBe(harder);
  expect(await submit({ header: { nbits: EASY } })).toBe('bad-diffbits');
  expect(await submit()).toBeNull();
  expect(() => chain.setNbits(0x23000001)).toThrow(expect.objectContaining({ code: 'compact-target-overflow' }));
  // Nobody here does the work of somebody else's block when it is hard.
  chain.setNbits(0x1700ffff);
  chain.mineBlock();
  chain.mineBlock();
  expect(chain.height).toBe(4);
});

describe('a reorganization', () => {
  test.each([1, 2, 5])('of %i blocks', async (depth) => {
    const { chain, tips, templates, submit } = started();
    for (let count = 0; count < 6; count += 1) expect(await submit()).toBeNull();
    const fork = tips.find(({ height }) => height === 6 - depth)!;
    const before = tips.at(-1)!;
    const told = tips.length;
    chain.reorganize(depth);
    expect(tips).toHaveLength(told + 1);
    expect(tips.at(-1)).toMatchObject({ height: 7 });
    expect(tips.at(-1)!.chainwork).toBeGreaterThan(before.chainwork);

    // The new branch stands on the fork, and what the old one held waits again.
    let hash = tips.at(-1)!.hash;
    for (let count = 0; count <= depth; count += 1) hash = decodeBlock((await chain.block(hash))!)!.header.prevHash;
    expect(hash).toEqual(fork.hash);
    expect(templates.at(-1)!.transactionCount).toBe(5 * (depth + 1));
    expect(await submit()).toBeNull();
    expect(tips.at(-1)!.height).toBe(8);
  });

  test('by submitted blocks goes over only with more work', async () => {
    const { chain, templates, tips, submit } = started({ transactions: 0 });
    const first = templates[0]!;
    expect(await submit()).toBeNull();
    const rival = blockOfTemplate(first, { coinbase: { tag: Buffer.from('rival') } });
    expect(await chain.submitBlock(rival)).toBe('inconclusive');
    const onRival = { ...templates.at(-1)!, prevHash: decodeBlock(rival)!.hash };
    expect(await submit({}, onRival)).toBeNull();
    expect(tips.map(({ height }) => height)).toEqual([0, 1, 2]);
    expect(decodeHeader(tips[2]!.header!).prevHash).toEqual(decodeBlock(rival)!.hash);
  });

  test('that ends in a broken block leaves the chain as it was', async () => {
    const { chain, templates, tips, submit } = started();
    const first = templates[0]!;
    expect(await submit()).toBeNull();
    expect(await submit()).toBeNull();
    const second = templates[1]!;
    const { prevHash: _, ...rest } = second;
    const rival = blockOfTemplate(first, { coinbase: { tag: Buffer.from('rival') } });
    expect(await chain.submitBlock(rival)).toBe('inconclusive');
    const rivalSecond = blockOfTemplate({ ...rest, prevHash: decodeBlock(rival)!.hash });
    expect(await chain.submitBlock(rivalSecond)).toBe('inconclusive');
    const third = templates[2]!;
    const greedy = blockOfTemplate(
      { ...third, prevHash: decodeBlock(rivalSecond)!.hash },
      { coinbase: { outputs: [{ value: third.coinbaseValue + 1n, script: PAYOUT }] } },
    );
    expect(await chain.submitBlock(greedy)).toBe('bad-cb-amount');
    expect(tips).toHaveLength(3);
    expect(chain.tipHash).toEqual(tips.at(-1)!.hash);
    expect(await submit({}, third)).toBeNull();
  });

  test('cannot be longer than the chain', () => {
    const { chain } = started();
    chain.mineBlock();
    expect(() => chain.reorganize(2)).toThrow(RangeError);
    expect(() => chain.reorganize(0)).toThrow(RangeError);
  });
});

test('a long chain forgets its beginning and goes on', async () => {
  const { chain, tips, submit } = started({ transactions: 1 });
  for (let count = 0; count < KEPT_BLOCKS + 30; count += 1) chain.mineBlock();
  expect(await chain.block(tips[5]!.hash)).toBeUndefined();
  expect(await chain.block(tips[60]!.hash)).toBeDefined();
  expect(() => chain.reorganize(KEPT_BLOCKS + 1)).toThrow(RangeError);
  chain.reorganize(KEPT_BLOCKS - 1);
  expect(await submit()).toBeNull();
  // The median time creeps ahead of a clock that stands still.
  expect(tips.at(-1)!.minNtime).toBeGreaterThan(tips[0]!.minNtime);
});
