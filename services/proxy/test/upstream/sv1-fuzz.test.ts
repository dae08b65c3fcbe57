// Pools of Stratum V1 that say anything: what makes no sense ends the connection, nothing throws, and whatever work comes of it can be mined on.
import { duplexPair } from 'node:stream';
import { ManualClock } from '@sluice/runtime/clock';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Sv1UpstreamSession } from '../../src/upstream/sv1-session.ts';
import { FakeFarm } from '../miners/fake-farm.ts';

const RUNS = 300;
const hex = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('hex'));
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const word = fc.oneof(fc.constantFrom('20000000', '1d00ffff', '207fffff', '00000000', '65000000'), hex(4));
const difficulty = fc.oneof(fc.double(), fc.constantFrom(1, 1e-12, 1e300, 5e-324, 0, '8'), fc.string());
const extranonce = fc.tuple(
  fc.oneof(fc.constant('e1e2'), hex(40)),
  fc.oneof(fc.integer({ min: 5, max: 40 }), fc.nat()),
);

const told = fc.oneof(
  fc
    .tuple(fc.string(), hash, hex(60), hex(60), fc.array(hash, { maxLength: 3 }), word, word, word, fc.boolean())
    .map((params) => ({ method: 'mining.notify', params })),
  difficulty.map((value) => ({ method: 'mining.set_difficulty', params: [value] })),
  extranonce.map((params) => ({ method: 'mining.set_extranonce', params })),
  word.map((mask) => ({ method: 'mining.set_version_mask', params: [mask] })),
  fc.record({ id: fc.nat(6), result: fc.jsonValue(), error: fc.oneof(fc.constant(null), fc.jsonValue()) }),
  fc.record({ id: fc.nat(3), method: fc.string(), params: fc.jsonValue() }),
);
const lines = fc.oneof(
  { weight: 20, arbitrary: told.map((message) => JSON.stringify(message)) },
  { weight: 1, arbitrary: fc.string() },
);

it('never throws, and ends with a reason or goes on', async () => {
  const outcomes = new Set<string>();
  let jobs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(lines, { maxLength: 12 }), async (said) => {
      const [ours, theirs] = duplexPair();
      const fake = new FakeFarm();
      const miner = fake.join();
      const closed = Promise.withResolvers<string>();
      const session = new Sv1UpstreamSession(
        ours,
        {
          ...{ host: 'pool.example', user: 'farm', password: 'x', minExtranonceSize: 6 },
          ...{ versionMask: 0x1fff_e000, hashrate: 1 },
        },
        { onWork: (work) => fake.farm.setWork(0, work), onClosed: ({ code }) => closed.resolve(code) },
        { clock: new ManualClock(), counters: fake.counters },
      );
      theirs.resume();
      const begun = [
        ...[
          { id: 1, result: {} },
          { id: 2, result: [[], 'e1', 8] },
          { id: 3, result: true },
        ],
        { method: 'mining.set_difficulty', params: [1] },
        {
          method: 'mining.notify',
          params: ['first', '11'.repeat(32), 'aa', 'bb', [], '20000000', '1d00ffff', '6553f100'],
        },
      ].map((message) => JSON.stringify(message));
      for (const line of [...begun, ...said]) theirs.write(`${line}\n`);
      theirs.end();
      outcomes.add(await closed.promise);
      expect(session.isOpen).toBe(false);
      jobs += miner.jobs.length;
      expect(miner.jobs.length).toBeGreaterThan(0);
      // A share on whatever it was given is judged.
      const { job } = miner;
      miner.miner.submit(job.id, new Uint8Array(4), job.ntime, 1, job.version, 'last');
      expect(miner.answers.has('last')).toBe(true);
      fake.pass(1);
    }),
    { numRuns: RUNS },
  );
  expect(jobs).toBeGreaterThan(RUNS);
  expect([...outcomes]).toEqual(expect.arrayContaining(['upstream-connection-closed', 'upstream-fault']));
});
