// The second check of a share, behind the stream: whole batches through the audit, beside a readable one on the same batches. What both
// credit is compared before anything is timed.
import assert from 'node:assert/strict';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { KnownEntries } from '@sluice/bus/payloads/known-entries';
import { bench, group, run, summary } from 'mitata';
import { CreditRun } from '../src/credit-run.ts';
import { HeadersAhead } from '../src/headers-ahead.ts';
import { IncarnationAudit } from '../src/incarnation-audit.ts';
import { FakeDistributor, FakeGateway, record, type TestShare } from '../test/fake-pool.ts';
import { referenceCredit } from '../test/reference-credit.ts';

const CHANNELS = 64;
const SHARES_PER_CHANNEL = 16;
const SHARES = CHANNELS * SHARES_PER_CHANNEL;

const bus = await createInProcessBus();
const distributor = new FakeDistributor(bus);
const job = await distributor.newTip(1, { levels: 12 });
const known = await distributor.known(job.tipFeed, job.jobId);

async function batch(kind: 'standard' | 'extended'): Promise<readonly [Uint8Array, readonly TestShare[]]> {
  const gateway = new FakeGateway(1, distributor);
  const shares: TestShare[] = [];
  for (let index = 0; index < CHANNELS; index += 1) {
    const channel = gateway.channel(kind, `account-${index % 8}`, `worker-${index}`);
    for (let count = 0; count < SHARES_PER_CHANNEL; count += 1) shares.push(await gateway.share(channel, job));
  }
  return [gateway.batch(shares), shares];
}

const newAudit = (backend: typeof wasmSha256d) =>
  new IncarnationAudit(
    1n,
    { batch: 0n, sequence: 0, floor: 0, held: false },
    {},
    { backend, jobs: distributor.history, yieldNow: () => Promise.resolve(), onSolution: () => undefined },
  );

async function withMethod<P extends object, K extends keyof P, T>(
  prototype: P,
  name: K,
  method: P[K],
  run: () => Promise<T>,
): Promise<T> {
  const own = prototype[name];
  prototype[name] = method;
  try {
    return await run();
  } finally {
    prototype[name] = own;
  }
}

/** Nothing is hashed ahead: each header, and each root that is not known, when its share is judged. */
const oneByOne = <T>(judge: () => Promise<T>) => withMethod(HeadersAhead.prototype, 'add', () => undefined, judge);

const entriesReadAnew = <T>(judge: () => Promise<T>) =>
  withMethod(KnownEntries.prototype, 'find', () => undefined, judge);

for (const kind of ['standard', 'extended'] as const) {
  const [payload, shares] = await batch(kind);
  const judge = () => newAudit(wasmSha256d).judge(record(1, payload));
  const expected = referenceCredit(known, shares);
  for (const backend of [wasmSha256d, nobleSha256d])
    assert.deepEqual((await newAudit(backend).judge(record(1, payload)))?.credits, expected);
  assert.deepEqual((await oneByOne(judge))?.credits, expected);
  summary(() =>
    group(`a batch of ${SHARES} shares, ${kind}, ${CHANNELS} channels, 12-level path`, () => {
      for (const backend of [wasmSha256d, nobleSha256d])
        bench(`${kind}, audit, ${backend.name}`, () => newAudit(backend).judge(record(1, payload)));
      bench(`${kind}, audit, ${wasmSha256d.name}, one by one`, () => oneByOne(judge));
      bench(`${kind}, reference`, () => referenceCredit(known, shares));
    }),
  );
}

// As miners send them: one share of a channel in each batch, and the same channels again and again.
const MANY_CHANNELS = 256;
const BATCHES = 20;
const gateway = new FakeGateway(1, distributor);
const channels = Array.from({ length: MANY_CHANNELS }, (_, index) =>
  gateway.channel('standard', `account-${index % 8}`, `worker-${index}`),
);
const batches: Uint8Array[] = [];
const sent: TestShare[] = [];
for (let count = 0; count < BATCHES; count += 1) {
  const shares: TestShare[] = [];
  for (const channel of channels) shares.push(await gateway.share(channel, job));
  sent.push(...shares);
  batches.push(gateway.batch(shares));
}

async function judgeAll() {
  const audit = newAudit(wasmSha256d);
  let run: CreditRun | undefined;
  for (const [index, payload] of batches.entries()) {
    const message = record(index + 1, payload);
    const verdict = await audit.judge(message);
    if (verdict === undefined) throw new Error('a batch that says nothing');
    if (run === undefined) run = new CreditRun(verdict, message);
    else run.add(verdict, message);
  }
  return run?.record(1n, 0n).credits;
}

const owed = referenceCredit(known, sent);
assert.deepEqual(await judgeAll(), owed);
assert.deepEqual(await entriesReadAnew(judgeAll), owed);
summary(() =>
  group(`${BATCHES} batches of ${MANY_CHANNELS} channels with a share each, ${BATCHES * MANY_CHANNELS} shares`, () => {
    bench('audit and credit', judgeAll);
    bench('audit and credit, entries read anew', () => entriesReadAnew(judgeAll));
  }),
);

if (!process.argv.includes('--check')) await run();
await bus.close();
