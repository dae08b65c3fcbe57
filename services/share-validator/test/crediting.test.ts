// When verdicts become records.
import type { StreamMessage } from '@sluice/bus/bus';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CreditRun } from '../src/credit-run.ts';
import { CREDIT_INTERVAL_MS, Crediting } from '../src/crediting.ts';
import { Findings } from '../src/findings.ts';
import type { Verdict } from '../src/incarnation-audit.ts';

let now: number;
let timers: { readonly atMs: number; readonly wake: () => void }[];
let stored: CreditRun[];
let answers: PromiseWithResolvers<void>[];
let failures: unknown[];
let crediting: Crediting;

beforeEach(() => {
  now = 10_000;
  timers = [];
  stored = [];
  answers = [];
  failures = [];
  crediting = new Crediting({
    clock: { now: () => now, monotonic: () => now },
    sleep: (ms, _value, options) =>
      new Promise((resolve, reject) => {
        options?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
        timers.push({ atMs: now + ms, wake: () => resolve(undefined) });
      }),
    store(run) {
      const answer = Promise.withResolvers<void>();
      stored.push(run);
      answers.push(answer);
      return answer.promise;
    },
    onFailure: (error) => failures.push(error),
  });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function pass(ms: number): Promise<void> {
  now += ms;
  for (const timer of timers.filter(({ atMs }) => atMs <= now)) timer.wake();
  timers = timers.filter(({ atMs }) => atMs > now);
  await turn();
}

async function answer(error?: Error): Promise<void> {
  const last = answers.shift();
  if (error === undefined) last?.resolve();
  else last?.reject(error);
  await turn();
}

const message = (sequence: number): StreamMessage => ({
  subject: 'shares.1',
  sequence,
  payload: new Uint8Array(),
  storedAtMs: 1_000 + sequence,
});

const verdict = (batch: bigint, credits: Verdict['credits'], minerPaid: Verdict['minerPaid'] = []): Verdict => ({
  ...{ batch, counts: true, shares: credits.reduce((sum, { shares }) => sum + shares, 0), credits, minerPaid },
  ...{ findings: new Findings(), held: false, replayFrom: Number(batch) - 1, floor: 7 },
});

const add = (number: number, worker = 'one', shares = 1) =>
  crediting.add(
    verdict(BigInt(number), [{ identity: 'alice', worker, shares, work: BigInt(shares) }]),
    message(number),
  );

describe('crediting', () => {
  it('stores the first verdict after a pause at once', async () => {
    const done = add(1);
    await turn();
    expect(stored).toHaveLength(1);
    await answer();
    await done;
    await pass(CREDIT_INTERVAL_MS);
    void add(2);
    await turn();
    expect(stored).toHaveLength(2);
  });

  it('sums up what comes within the interval, by identity and worker', async () => {
    void add(1);
    await turn();
    await answer();
    await add(2, 'one', 2);
    await add(3, 'two');
    await add(4, 'one', 3);
    expect(stored).toHaveLength(1);
    expect(crediting.oldest?.sequence).toBe(2);
    await pass(CREDIT_INTERVAL_MS);
    expect(stored[1]?.record(1n, 5n)).toMatchObject({
      ...{ incarnation: 1n, batch: 4n, sequence: 4n, shares: 6, replayFrom: 3n, floor: 7n, creditedAtMicros: 5n },
      credits: [
        { identity: 'alice', worker: 'one', shares: 5, work: 5n },
        { identity: 'alice', worker: 'two', shares: 1, work: 1n },
      ],
    });
    expect(stored[1]).toMatchObject({ batches: 3, readTo: 4, storedAtMs: 1_004 });
    await answer();
    expect(crediting.oldest).toBeUndefined();
  });

  it('sums up what pays its miner apart, by percentage as well', async () => {
    void add(1);
    await turn();
    await answer();
    const paid = (poolPercent: number) => ({ identity: 'alice', worker: 'one', poolPercent, shares: 1, work: 1n });
    await crediting.add(verdict(2n, [], [paid(0), paid(5)]), message(2));
    await add(3);
    await crediting.add(verdict(4n, [], [paid(0)]), message(4));
    await pass(CREDIT_INTERVAL_MS);
    expect(stored[1]?.record(1n, 5n)).toMatchObject({
      credits: [{ identity: 'alice', worker: 'one', shares: 1, work: 1n }],
      minerPaid: [{ ...paid(0), shares: 2, work: 2n }, paid(5)],
    });
  });

  it('takes verdicts while a record is stored, and stores one record at a time', async () => {
    void add(1);
    await turn();
    await add(2);
    await pass(CREDIT_INTERVAL_MS);
    expect(stored).toHaveLength(1);
    expect(crediting.oldest?.sequence).toBe(1);
    await answer();
    expect(stored).toHaveLength(2);
  });

  it('makes the judge wait when a record is worth its append and the one before is not stored', async () => {
    void add(1);
    await turn();
    const workers = Array.from({ length: 4_096 }, (_, index) => ({
      ...{ identity: 'alice', worker: `w${index}`, shares: 1, work: 1n },
    }));
    let waited = true;
    const full = crediting.add(verdict(2n, workers), message(2)).then(() => {
      waited = false;
    });
    await turn();
    expect(waited).toBe(true);
    await answer();
    expect(stored).toHaveLength(2);
    await answer();
    await full;
  });

  it('counts a repeated record as done with what was before it', async () => {
    expect(await crediting.pass(message(1))).toBe(true);
    void add(2);
    await turn();
    const waiting = crediting.pass(message(3));
    await answer();
    expect(await waiting).toBe(true);
    await add(4);
    expect(await crediting.pass(message(5))).toBe(false);
    await pass(CREDIT_INTERVAL_MS);
    expect(stored[1]).toMatchObject({ readTo: 5 });
    expect(stored[1]?.record(1n, 0n)).toMatchObject({ sequence: 4n });
  });

  it('tells a failure to who waits, or where nobody does', async () => {
    const first = add(1);
    const refused = expect(first).rejects.toThrow('lost');
    await turn();
    await answer(new Error('lost'));
    await refused;
    crediting.close();
  });

  it('tells of a record that failed after its interval', async () => {
    void add(1);
    await turn();
    await answer();
    await add(2);
    await pass(CREDIT_INTERVAL_MS);
    await answer(new Error('lost'));
    expect(failures).toHaveLength(1);
  });
});
