import { foldMerklePath } from '@sluice/bitcoin/merkle';
import type { CoinbaseJob } from '@sluice/bitcoin/root-lanes';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { expect, test } from 'vitest';
import { type JudgedMiner, ShareLanes } from '../../src/miners/share-lanes.ts';

const jobOf = (seed: number): CoinbaseJob => ({
  coinbasePrefix: new Uint8Array(70).fill(seed),
  coinbaseSuffix: new Uint8Array(90).fill(seed + 1),
  merklePath: [new Uint8Array(32).fill(seed + 2)],
});
const first = jobOf(1);
const second = jobOf(7);

/** Lanes with what they have judged, in order, and what they put off. */
function createLanes() {
  const due: (() => void)[] = [];
  const lanes = new ShareLanes((task) => due.push(task));
  const judged: string[] = [];
  let added = 0;
  function add(job: CoinbaseJob, place: number): void {
    added += 1;
    const extranonce1 = Uint8Array.of(0, place);
    const extranonce2 = Uint8Array.of(9, 8, 7, added);
    const fields = { jobId: added, ntime: added + 1, nonce: added + 2, version: added + 3 };
    const coinbase = Buffer.concat([job.coinbasePrefix, extranonce1, extranonce2, job.coinbaseSuffix]);
    const expected = foldMerklePath(nobleSha256d.sha256d(coinbase), job.merklePath, nobleSha256d);
    const given = Uint8Array.from(extranonce2);
    const miner: JudgedMiner = {
      extranonce1,
      judge(jobId, rolled, ntime, nonce, version, request, root) {
        expect({ jobId, ntime, nonce, version }).toEqual(fields);
        expect(rolled).toEqual(given);
        if (root !== undefined) expect(root).toEqual(expected);
        judged.push(root === undefined ? `${request} alone` : request);
      },
    };
    lanes.add(miner, job, fields.jobId, extranonce2, fields.ntime, fields.nonce, fields.version, `share ${added}`);
    // It was valid during the call only.
    extranonce2.fill(0);
  }
  const runDue = () => {
    for (const task of due.splice(0)) task();
  };
  return { lanes, judged, add, due, runDue };
}

test('shares of a job are judged by fours, and the rest when all sockets were read', () => {
  const { judged, add, due, runDue } = createLanes();
  add(first, 1);
  expect(judged).toEqual(['share 1 alone']);
  for (let place = 2; place <= 4; place++) add(first, place);
  expect(judged).toEqual(['share 1 alone']);
  expect(due).toHaveLength(1);
  add(first, 5);
  expect(judged.slice(1)).toEqual(['share 2', 'share 3', 'share 4', 'share 5']);
  add(first, 6);
  expect(due).toHaveLength(1);
  runDue();
  expect(judged.slice(5)).toEqual(['share 6 alone']);
  add(first, 6);
  expect(due).toHaveLength(1);
  runDue();
  runDue();
  expect(judged).toHaveLength(7);
});

test('a share of another job has those before it judged, and is judged alone unless the next is of the same', () => {
  const { judged, add, runDue } = createLanes();
  for (const job of [first, first, first, second, first, second, second, second]) add(job, 1);
  runDue();
  expect(judged).toEqual([
    ...['share 1 alone', 'share 2', 'share 3', 'share 4 alone', 'share 5 alone', 'share 6 alone'],
    ...['share 7', 'share 8'],
  ]);
});

test('a coinbase that is too long goes the plain way', () => {
  const { judged, add } = createLanes();
  const long = { ...first, coinbaseSuffix: new Uint8Array(100_000) };
  for (let share = 0; share < 3; share++) add(long, 1);
  expect(judged).toEqual(['share 1 alone', 'share 2 alone', 'share 3 alone']);
});

test('what is judged may have the rest judged: each once', () => {
  const { lanes, judged, add } = createLanes();
  const eager: JudgedMiner = {
    extranonce1: Uint8Array.of(0, 1),
    judge: (_job, _extranonce2, _ntime, _nonce, _version, request) => {
      judged.push(request);
      lanes.flush();
    },
  };
  add(first, 1);
  for (const request of ['a', 'b']) lanes.add(eager, first, 1, new Uint8Array(4), 0, 0, 0, request);
  lanes.flush();
  lanes.flush();
  expect(judged).toEqual(['share 1 alone', 'a', 'b']);
});
