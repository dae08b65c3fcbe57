import { encodeHeader } from '@sluice/bitcoin/header';
import type { HashedHeader } from '@sluice/bitcoin/header-lanes';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChannelKind, MiningChannel } from '../src/channel.ts';
import type { ExtendedJob } from '../src/job.ts';
import { ShareChecker } from '../src/share-check.ts';
import { ShareLanes, type WaitingShare } from '../src/share-lanes.ts';
import type { ShareOutcome } from '../src/share-outcome.ts';
import { shareTarget } from '../src/share-target.ts';
import { EASY, job as jobNumber, NOW, NOW_MS, tip } from './work.ts';

const jobOf = (seed: number): ExtendedJob => ({
  ...jobNumber(16),
  coinbasePrefix: new Uint8Array(70).fill(seed),
  coinbaseSuffix: new Uint8Array(90).fill(seed + 1),
  merklePath: [new Uint8Array(32).fill(seed + 2)],
});
const first = jobOf(1);
const second = jobOf(7);
const ROLLED_SIZE = 4;

class TestShare implements WaitingShare {
  onJudge: (ahead: HashedHeader | undefined) => void = () => undefined;
  judge(ahead: HashedHeader | undefined): void {
    this.onJudge(ahead);
  }
}

function channelOf(kind: ChannelKind, job: ExtendedJob, extranoncePrefix: Uint8Array): MiningChannel {
  const extranonceSize = kind === 'standard' ? 0 : ROLLED_SIZE;
  const channel = new MiningChannel({ kind, extranoncePrefix, extranonceSize, target: shareTarget(EASY) });
  channel.tipSent(job, tip(1), NOW_MS);
  return channel;
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
  /** A share of a channel of its own. */
  function add(
    job: ExtendedJob,
    prefix = Uint8Array.of(0, 1),
    andThen: () => void = () => undefined,
    kind: ChannelKind = 'extended',
    isRootKnown = true,
  ): void {
    added += 1;
    const name = `share ${added}`;
    const rolled = kind === 'standard' ? new Uint8Array(0) : Uint8Array.of(9, 8, 7, added);
    const coinbase = Buffer.concat([job.coinbasePrefix, prefix, rolled, job.coinbaseSuffix]);
    const { prevHash, nbits } = tip(1);
    const merkleRoot = foldMerklePath(nobleSha256d.sha256d(coinbase), job.merklePath, nobleSha256d);
    const expected = encodeHeader({ version: 5, prevHash, merkleRoot, ntime: NOW, nbits, nonce: added });
    const channel = channelOf(kind, job, prefix);
    if (isRootKnown && kind === 'standard') channel.rootOf(job, wasmSha256d);
    const share = lanes.place(channel, job.jobId, rolled.length);
    if (share === undefined) {
      judged.push(`${name} alone`);
      return;
    }
    share.onJudge = (ahead) => {
      if (ahead !== undefined) {
        expect(ahead.root).toEqual(merkleRoot);
        expect(ahead.header).toEqual(expected);
        expect(ahead.hash).toEqual(nobleSha256d.sha256d(expected));
      }
      judged.push(ahead === undefined ? `${name} alone` : name);
      andThen();
    };
    lanes.add(added, NOW, 5, prefix, Buffer.concat([Uint8Array.of(3), rolled]), 1);
  }
  const addStandard = (job: ExtendedJob, seed: number, isRootKnown = true) =>
    add(job, new Uint8Array(20).fill(seed), undefined, 'standard', isRootKnown);
  const runDue = () => {
    for (const task of due.splice(0)) task();
  };
  return { lanes, judged, add, addStandard, due, runDue };
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

test('shares of standard channels wait whatever their jobs are, and beside those of extended ones', () => {
  const { judged, add, addStandard, runDue } = createLanes();
  for (const [index, job] of [first, second, first, second].entries()) addStandard(job, index);
  expect(judged.splice(0)).toEqual(['share 1', 'share 2', 'share 3', 'share 4']);
  add(first);
  add(first);
  addStandard(second, 5);
  add(first);
  addStandard(first, 6);
  expect(judged.splice(0)).toEqual(['share 5 alone', 'share 6', 'share 7', 'share 8', 'share 9']);
  addStandard(first, 7);
  runDue();
  expect(judged.splice(0)).toEqual(['share 10 alone']);
  addStandard(first, 8);
  addStandard(first, 9);
  // What it would have to hash has the others judged.
  addStandard(second, 10, false);
  expect(judged).toEqual(['share 11', 'share 12', 'share 13 alone']);
});

test('a share of no job, or with an extranonce that is none, has those before it judged', () => {
  const { lanes, judged, addStandard } = createLanes();
  const channel = channelOf('extended', first, Uint8Array.of(1));
  addStandard(first, 1);
  addStandard(first, 2);
  expect(lanes.place(channel, 32, ROLLED_SIZE)).toBeUndefined();
  expect(judged.splice(0)).toEqual(['share 1', 'share 2']);
  addStandard(first, 3);
  expect(lanes.place(channel, first.jobId, ROLLED_SIZE + 1)).toBeUndefined();
  expect(judged).toEqual(['share 3 alone']);
});

test('a share of a job that was told before any tip does not wait', () => {
  const { lanes } = createLanes();
  const channel = new MiningChannel({
    kind: 'extended',
    extranoncePrefix: new Uint8Array(7),
    target: shareTarget(EASY),
  });
  channel.jobSent(first, first.jobId, NOW_MS);
  for (let share = 0; share < 2; share += 1)
    expect(lanes.place(channel, first.jobId, channel.extranonceSize)).toBeUndefined();
});

/** What may come over four channels; half of all hashes meet the target. */
const events = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant('share' as const),
        channel: fc.nat(3),
        // How far before the next one. Lanes hold what comes of one job: runs of it are to be no rare thing.
        job: fc.constantFrom(1, 1, 1, 1, 0, 2, 6),
        nonce: fc.nat(9),
        version: fc.constantFrom(0x20000000, 0x20002000, 1),
        isWhole: fc.constantFrom(true, true, true, true, false),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('job' as const, 'tip' as const, 'turn' as const) }) },
  ),
  { minLength: 20, maxLength: 60 },
);

test('outcomes and hashes are those of the plain way, in its order, whatever comes between', () => {
  let inLanes = 0;
  const due: (() => void)[] = [];
  const lanes = new ShareLanes(
    () => new TestShare(),
    (task) => due.push(task),
  );
  fc.assert(
    fc.property(events, (sequence) => {
      /** What is judged, in order. */
      const run = (isPlain: boolean): string[] => {
        const judged: string[] = [];
        const backend = isPlain ? nobleSha256d : wasmSha256d;
        const checker = new ShareChecker(backend);
        const channels = [1, 2, 3, 4].map((seed) => {
          const kind = seed > 2 ? 'standard' : 'extended';
          const extranoncePrefix = new Uint8Array(kind === 'standard' ? 20 : 7).fill(seed);
          return new MiningChannel({ kind, extranoncePrefix, target: shareTarget(EASY) });
        });
        let number = 1;
        const told = (isTip: boolean) => {
          lanes.flush();
          const job = jobNumber(number * 16, 3);
          for (const channel of channels) {
            // As for the message that a standard channel is told it by.
            if (channel.kind === 'standard') channel.rootOf(job, backend);
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
            const size = event.isWhole ? channel.extranonceSize : 5;
            const extranonce = new Uint8Array(size).fill(event.nonce);
            const { nonce, version } = event;
            const judge = (ahead: HashedHeader | undefined) => {
              if (ahead !== undefined) inLanes += 1;
              const outcome: ShareOutcome = checker.check(
                ...([channel, jobId, nonce, NOW, version, extranonce, 0, size, NOW_MS, true, ahead] as const),
              );
              const hash = checker.job === undefined ? '' : Buffer.from(checker.hash).toString('hex');
              judged.push(`${index} ${outcome} ${hash}`);
            };
            const share = isPlain ? undefined : lanes.place(channel, jobId, size);
            if (share === undefined) judge(undefined);
            else {
              share.onJudge = judge;
              lanes.add(nonce, NOW, version, channel.extranoncePrefix, extranonce, 0);
            }
          }
        }
        lanes.flush();
        for (const task of due.splice(0)) task();
        return judged;
      };
      expect(run(false)).toEqual(run(true));
    }),
    { numRuns: 100 },
  );
  expect(inLanes).toBeGreaterThan(50);
});
