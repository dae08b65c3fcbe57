// What clients find: the header that is made of it, what is held back, and what is still known after a new tip and after a restart.
import { decodeHeader } from '@sluice/bitcoin/header';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { afterEach, expect, it } from 'vitest';
import { TestDistribution, type TestDistributionOptions, transaction } from '../support/test-distribution.ts';
import { type SolutionOptions, solve, type TestTemplateClient } from '../support/test-template-client.ts';

const running: TestDistribution[] = [];

async function start(options: TestDistributionOptions = {}): Promise<TestDistribution> {
  const test = await TestDistribution.start(options);
  running.push(test);
  return test;
}

afterEach(async () => {
  for (const test of running.splice(0)) {
    await test.stop();
    test.remove();
  }
});

async function withWork() {
  const test = await start();
  test.newTip();
  test.newTemplate([transaction(1), transaction(2)]);
  const client = await test.client();
  client.constrain(50);
  return { test, client, work: await client.begin() };
}

const submissions = (test: TestDistribution, outcome: string) => test.metric('solutions_total', { outcome });

async function untilCounted(test: TestDistribution, client: TestTemplateClient, count = 1): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    await client.silence(5);
    if ((await test.metric('solutions_total')) >= count) return;
  }
  throw new Error('no solution was counted');
}

it('becomes a solution with the header that the client hashed, and with its coinbase', async () => {
  const { test, client, work } = await withWork();
  const { solution, hash } = solve(work);
  client.send(SubmitSolution, solution);
  await untilCounted(test, client);
  const [submitted] = test.submitted;
  expect(Buffer.from(submitted?.hash ?? [])).toEqual(Buffer.from(hash));
  expect(submitted).toMatchObject({ provider: 'a', identity: '', jobId: 0 });
  expect(test.store.has('a', submitted?.templateId ?? 0n)).toBe(true);
  expect(Buffer.from(submitted?.coinbase ?? [])).toEqual(Buffer.from(solution.coinbaseTx));
  expect(decodeHeader(submitted?.header ?? new Uint8Array(80)).nonce).toBe(solution.headerNonce);
  expect(test.lines('a coinbase is not what its template asks for: nodes may refuse the block')).toEqual([]);
});

it('of a block of the coinbase alone names no transactions', async () => {
  const { test, client } = await withWork();
  test.newTip();
  client.send(SubmitSolution, solve(await client.begin()).solution);
  await untilCounted(test, client);
  expect(test.submitted).toMatchObject([{ provider: '', templateId: 0n }]);
});

it('is given to the nodes for templates of the last tips too, which decide', async () => {
  const { test, client, work } = await withWork();
  test.newTip();
  test.newTip();
  client.send(SubmitSolution, solve(work).solution);
  await untilCounted(test, client);
  expect(test.submitted).toHaveLength(1);
});

it.each([true, false])(
  'is known after a restart, with a template for the next height told ahead: %s',
  async (ahead) => {
    const before = await start({ ahead });
    before.newTip();
    before.newTemplate([transaction(1)]);
    const first = await before.client();
    first.constrain(50);
    const full = await first.begin();
    if (ahead) await first.next();
    before.newTip();
    const empty = ahead
      ? { ...full, template: { ...full.template, ...(await beginAhead(first)) } }
      : await first.begin();
    await first.silence();
    await before.stop();

    const test = await start({ after: before });
    const client = await test.client();
    client.send(SubmitSolution, solve(full).solution);
    await untilCounted(test, client);
    expect(test.submitted).toMatchObject([{ provider: 'a' }]);
    if (!ahead) {
      client.send(SubmitSolution, solve(empty).solution);
      await untilCounted(test, client, 2);
      expect(test.submitted[1]).toMatchObject({ provider: '', templateId: 0n });
    }
    test.newTip();
    test.newTemplate();
    client.constrain(50);
    expect((await client.begin()).template.templateId).toBeGreaterThan(empty.template.templateId);
  },
);

async function beginAhead(client: TestTemplateClient): Promise<{ readonly templateId: bigint }> {
  const { value } = await client.next();
  await client.next();
  return { templateId: value.templateId as bigint };
}

it('without work costs the nodes nothing, and the log a line', async () => {
  const { test, client, work } = await withWork();
  client.send(SubmitSolution, solve(work, { withoutWork: true }).solution);
  client.send(SubmitSolution, solve(work, { withoutWork: true }).solution);
  await untilCounted(test, client, 2);
  expect(test.submitted).toEqual([]);
  expect(await submissions(test, 'no-work')).toBe(2);
  expect(test.lines('a solution of a client is no block')).toMatchObject([
    { outcome: 'no-work', lacks: 'no-proof-of-work', level: 'warn' },
    { outcome: 'no-work', lacks: 'no-proof-of-work', level: 'debug' },
  ]);
});

it('of a template that was never told is logged and counted', async () => {
  const { test, client, work } = await withWork();
  const { solution } = solve(work);
  client.send(SubmitSolution, { ...solution, templateId: 7n });
  client.send(SubmitSolution, { ...solution, coinbaseTx: Uint8Array.of(1, 2, 3) });
  await untilCounted(test, client, 2);
  expect(await submissions(test, 'template-unknown')).toBe(1);
  expect(await submissions(test, 'malformed-coinbase')).toBe(1);
  expect(test.lines('a solution of a client is no block')).toMatchObject([{ level: 'warn' }, { level: 'debug' }]);
  expect(test.submitted).toEqual([]);
  expect(client.closed).toBe(false);
});

it('without the fields of BIP141 gets them back', async () => {
  const { test, client, work } = await withWork();
  client.send(SubmitSolution, solve(work, { stripped: true }).solution);
  await untilCounted(test, client);
  const coinbase = decodeTransaction(test.submitted[0]?.coinbase ?? new Uint8Array(0));
  expect(coinbase?.inputs[0]?.witness.map((item) => item.length)).toEqual([32]);
  expect(test.submitted).toHaveLength(1);
});

const wrongs: readonly (readonly [string, SolutionOptions['coinbase']])[] = [
  ['coinbase_tx_version 1', { version: 1 }],
  ['coinbase_prefix', { coinbasePrefix: Uint8Array.of(1, 99) }],
  ['coinbase_tx_input_sequence 4294967295', { sequence: 0xffff_ffff }],
  ['coinbase_tx_locktime 7', { locktime: 7 }],
  ['coinbase_tx_outputs are not the last outputs', { trailingOutputs: { count: 0, bytes: new Uint8Array(0) } }],
  ['outputs of 9000000000', { outputs: [{ value: 9_000_000_000n, script: Uint8Array.of(0x51) }] }],
];

it.each(wrongs)(
  'whose coinbase is wrong goes to the nodes all the same, and the log says: %s',
  async (fault, coinbase) => {
    const { test, client, work } = await withWork();
    client.send(SubmitSolution, solve(work, { ...(coinbase && { coinbase }) }).solution);
    await untilCounted(test, client);
    expect(test.submitted).toHaveLength(1);
    const [line] = test.lines('a coinbase is not what its template asks for: nodes may refuse the block');
    expect(String(line?.fault)).toContain(fault);
  },
);
