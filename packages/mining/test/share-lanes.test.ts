import { foldMerklePath } from '@sluice/bitcoin/merkle';
import type { CoinbaseJob } from '@sluice/bitcoin/root-lanes';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MiningChannel } from '../src/channel.ts';
import { ShareChecker } from '../src/share-check.ts';
import { ShareLanes, type WaitingShare } from '../src/share-lanes.ts';
import type { ShareOutcome } from '../src/share-outcome.ts';
import { shareTarget } from '../src/share-target.ts';
import { EASY, job as jobNumber, NOW, NOW_MS, tip } from './work.ts';

const jobOf = (seed: number): CoinbaseJob => ({
  coinbasePrefix: new Uint8Array(70).fill(seed),
  coinbaseSuffix: new Uint8Array(90).fill(seed + 1),
  merklePath: [new Uint8Array(32).fill(seed + 2)],
});
const first = jobOf(1);
const second = jobOf(7);

class TestShare implements WaitingShare {
  onJudge: (root: Uint8Array | undefined) => void = () => undefined;
  judge(root: Uint8Array | undefined): void {
    this.onJudge(root);
  }
}

/** Lanes with what they have judged, in order, and what they put off. */
function createLanes() {
  const due: (() => void)[] = [];
  const lanes = new ShareLanes(
    () => new TestShare(),
    (task) => due.push(task),
  );
  const judged: string[] = [];
  let added = 0;
  function add(job: CoinbaseJob, prefix = Uint8Array.of(0, 1), andThen: () => void = () => undefined): void {
    added += 1;
    const name = `share ${added}`;
    const rolled = Uint8Array.of(9, 8, 7, added);
    const coinbase = Buffer.concat([job.coinbasePrefix, prefix, rolled, job.coinbaseSuffix]);
    const expected = foldMerklePath(nobleSha256d.sha256d(coinbase), job.merklePath, nobleSha256d);
    const share = lanes.place(job, prefix.length + rolled.length);
    if (share === undefined) {
      judged.push(`${name} alone`);
      return;
    }
    share.onJudge = (root) => {
      if (root !== undefined) expect(root).toEqual(expected);
      judged.push(root === undefined ? `${name} alone` : name);
      andThen();
    };
    lanes.add(prefix, Buffer.concat([Uint8Array.of(3), rolled]), 1);
  }
  const runDue = () => {
    for (const task of due.splice(0)) task();
  };
  return { lanes, judged, add, due, runDue };
}

test('shares of a job are judged by fours, and the rest when all sockets were read', () => {
  const { judged, add, due, runDue } = createLanes();
  add(first);
  expect(judged).toEqual(['share 1 alone']);
  for (let share = 2; share <= 4; share++) add(first, Uint8Array.of(0, share));
  expect(judged).toEqual(['share 1 alone']);
  expect(due).toHaveLength(1);
  add(first);
  expect(judged.slice(1)).toEqual(['share 2', 'share 3', 'share 4', 'share 5']);
  add(first);
  expect(due).toHaveLength(1);
  runDue();
  expect(judged.slice(5)).toEqual(['share 6 alone']);
  add(first);
  expect(due).toHaveLength(1);
  runDue();
  runDue();
  expect(judged).toHaveLength(7);
});

test('a share of another job has those before it judged, and is judged alone unless the next is of the same', () => {
  const { judged, add, runDue } = createLanes();
  for (const job of [first, first, first, second, first, second, second, second]) add(job);
  runDue();
  expect(judged).toEqual([
    ...['share 1 alone', 'share 2', 'share 3', 'share 4 alone', 'share 5 alone', 'share 6 alone'],
    ...['share 7', 'share 8'],
  ]);
});

test('so it is with an extranonce of another length', () => {
  const { judged, add, runDue } = createLanes();
  for (const length of [2, 2, 2, 3, 3, 2]) add(first, new Uint8Array(length));
  runDue();
  expect(judged).toEqual([...['share 1 alone', 'share 2', 'share 3', 'share 4', 'share 5', 'share 6 alone']]);
});

test('a coinbase that is too long goes the plain way', () => {
  const { judged, add } = createLanes();
  const long = { ...first, coinbaseSuffix: new Uint8Array(100_000) };
  for (let share = 0; share < 3; share++) add(long);
  expect(judged).toEqual(['share 1 alone', 'share 2 alone', 'share 3 alone']);
});

test('what is judged may have the rest judged: each once', () => {
  const { lanes, judged, add } = createLanes();
  add(first);
  for (let share = 2; share <= 3; share++) add(first, undefined, () => lanes.flush());
  lanes.flush();
  lanes.flush();
  expect(judged).toEqual(['share 1 alone', 'share 2', 'share 3']);
});

/** What may come over two channels; half of all hashes meet the target. */
const events = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant('share' as const),
        channel: fc.nat(1),
        // How far before the next one. Lanes hold what comes of one job: runs of it are to be no rare thing.
        job: fc.constantFrom(1, 1, 1, 1, 0, 2, 6),
        nonce: fc.nat(9),
        version: fc.constantFrom(0x20000000, 0x20002000, 1),
        size: fc.constantFrom(13, 13, 13, 13, 5),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('job' as const, 'tip' as const, 'turn' as const) }) },
  ),
  { minLength: 20, maxLength: 60 },
);

test('outcomes and hashes are those of the plain way, in its order, whatever comes between', () => {
  let inLanes = 0;
  fc.assert(
    fc.property(events, (sequence) => {
      /** What is judged, in order. */
      const run = (isPlain: boolean): string[] => {
        const judged: string[] = [];
        const due: (() => void)[] = [];
        const lanes = new ShareLanes(
          () => new TestShare(),
          (task) => due.push(task),
        );
        const checker = new ShareChecker(isPlain ? nobleSha256d : wasmSha256d);
        const channels = [1, 2].map((seed) => {
          const extranoncePrefix = new Uint8Array(7).fill(seed);
          return new MiningChannel({ kind: 'extended', extranoncePrefix, target: shareTarget(EASY) });
        });
        let number = 1;
        const told = (isTip: boolean) => {
          lanes.flush();
          const job = jobNumber(number * 16, 3);
          for (const channel of channels) {
            if (isTip) channel.tipSent(job, tip(number), NOW_MS);
            else channel.jobSent(job, job.jobId, NOW_MS);
          }
          number += 1;
        };
        told(true);
        for (const [index, event] of sequence.entries()) {
          if (event.kind === 'turn') for (const task of due.splice(0)) task();
          else if (event.kind !== 'share') told(event.kind === 'tip');
          else {
            const channel = channels[event.channel]!;
            const jobId = Math.max(1, number - event.job) * 16;
            const extranonce = new Uint8Array(event.size).fill(event.nonce);
            const judge = (root: Uint8Array | undefined) => {
              if (root !== undefined) inLanes += 1;
              const { nonce, version, size } = event;
              const outcome: ShareOutcome = checker.check(
                ...([channel, jobId, nonce, NOW, version, extranonce, 0, size, NOW_MS, true, root] as const),
              );
              const hash = checker.job === undefined ? '' : Buffer.from(checker.hash).toString('hex');
              judged.push(`${index} ${outcome} ${hash}`);
            };
            const given = channel.currentJob(jobId) ?? channel.lastJob(jobId);
            const share =
              isPlain || given === undefined || event.size !== channel.extranonceSize
                ? undefined
                : lanes.place(given.job, 20);
            if (share === undefined) {
              lanes.flush();
              judge(undefined);
            } else {
              share.onJudge = judge;
              lanes.add(channel.extranoncePrefix, extranonce, 0);
            }
          }
        }
        lanes.flush();
        return judged;
      };
      expect(run(false)).toEqual(run(true));
    }),
    { numRuns: 100 },
  );
  expect(inLanes).toBeGreaterThan(50);
});
