import { displayHash, hashFromDisplay } from '@sluice/bitcoin/display';
import { coinbaseMerklePath } from '@sluice/bitcoin/merkle';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { compactToTarget, meetsTarget, targetOfDifficulty, targetToBytes } from '@sluice/bitcoin/target';
import { expect, test } from 'vitest';
import type { Sv1Job } from '../src/job.ts';
import { parseMessage, type Request, type Response } from '../src/json-rpc.ts';
import { readMinerRequest } from '../src/miner-requests.ts';
import { NotifyTemplate } from '../src/notify-template.ts';
import { readSubscription } from '../src/pool-answers.ts';
import { readPoolRequest } from '../src/pool-requests.ts';
import { shareHeader } from '../src/share-header.ts';
import { readShare } from '../src/submitted-share.ts';
import { BIP320_MASK } from '../src/version-bits.ts';

const message = (line: string) => parseMessage(Buffer.from(line));
const hashOf = (header: Uint8Array) => wasmSha256d.sha256d(header);

function jobOf(notify: string): Sv1Job {
  const request = readPoolRequest(message(notify) as Request);
  if (request.kind !== 'notify') throw new Error(request.kind);
  return request.job;
}

/** Header of a share as a server makes it: from the lines alone. */
function headerOf(notify: string, subscribed: string, submitted: string, versionMask = 0): Uint8Array {
  const job = jobOf(notify);
  const subscription = readSubscription(message(subscribed) as Response);
  const submit = readMinerRequest(message(submitted) as Request);
  if (subscription === undefined || submit.kind !== 'submit') throw new Error(submit.kind);
  const { extranonce1, extranonce2Size } = subscription;
  const share = readShare(submit, { extranonce2Size, jobVersion: job.version, versionMask });
  if (typeof share === 'string') throw new Error(share);
  return shareHeader(job, extranonce1, share);
}

// The coinbase script of the block ends in two bytes that its miner counted: here the one is extranonce1, the other extranonce2.
const BLOCK_100000 =
  '{"params": ["a", "1901125004612a1701c3a621d930d31d36b607df1fccc2160002d01c00000000", ' +
  '"01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff08044c86041b02", ' +
  '"ffffffff0100f2052a010000004341041b0e8c2567c12536aa13357b79a073dc4444acb83c4ec7a0e2f99dd7457516c5817242da796924ca4e99947d087fedf9ce467cb9f7c6287078f801df276fdf84ac00000000", ' +
  '["c40297f730dd7b5a99567eb8d27b78758f607507c52292d02d4031895b52f2ff", "49aef42d78e3e9999c9e6ec9e1dddd6cb880bf3b076a03be1318ca789089308e"], ' +
  '"00000001", "1b04864c", "4d1b2230", true], "id": null, "method": "mining.notify"}';
const BLOCK_100000_HASH = '000000000003ba27aa200b1cecaad478d2b00432346c3f1f3986da1afd33e506';

test('the header of a real block comes from its notify and its submit', () => {
  const header = headerOf(
    BLOCK_100000,
    '{"id": 1, "result": [[["mining.notify", "s"]], "06", 1], "error": null}',
    '{"params": ["u", "a", "02", "4d1b2237", "10572b0f"], "id": 4, "method": "mining.submit"}',
  );
  expect(displayHash(hashOf(header))).toBe(BLOCK_100000_HASH);
  expect(meetsTarget(hashOf(header), targetToBytes(compactToTarget(0x1b04_864c)))).toBe(true);
});

test('its job is what a node knows of the block, and is written as it was read', () => {
  const job = jobOf(BLOCK_100000);
  const txids = [
    'fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4',
    '6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4',
    'e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d',
  ].map((txid) => hashFromDisplay(txid)!);
  expect(displayHash(job.prevHash)).toBe('000000000002d01c1fccc21636b607dfd930d31d01c3a62104612a1719011250');
  expect(job.merklePath).toEqual(coinbaseMerklePath(txids));
  expect(job).toMatchObject({ jobId: 'a', version: 1, nbits: 0x1b04_864c, ntime: 0x4d1b_2230, cleanJobs: true });
  const line = Buffer.from(new NotifyTemplate(job).line(job.jobId, job.ntime, job.cleanJobs)).toString();
  expect(JSON.parse(line)).toEqual(JSON.parse(BLOCK_100000));
});

// The share that the first documentation of Stratum mining shows.
const SLUSH_NOTIFY =
  '{"params": ["bf", "4d16b6f85af6e2198f44ae2a6de67f78487ae5611b77c6c0440b921e00000000", ' +
  '"01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff20020862062f503253482f04b8864e5008", ' +
  '"072f736c7573682f000000000100f2052a010000001976a914d23fcdf86f7e756a64a7a9688ef9903327048ed988ac00000000", [], ' +
  '"00000002", "1c2ac4af", "504e86b9", false], "id": null, "method": "mining.notify"}';
const SLUSH_SUBSCRIBED =
  '{"id": 1, "result": [ [ ["mining.set_difficulty", "b4b6693b72a50c7116db18d6497cac52"], ["mining.notify", "ae6812eb4cd7735a302a8a9dd95cf71f"]], "08000002", 4], "error": null}';

test('the share of a real miner meets its difficulty, and no other bytes do', () => {
  const share =
    '{"params": ["slush.miner1", "bf", "00000001", "504e86ed", "b2957c02"], "id": 4, "method": "mining.submit"}';
  const hash = hashOf(headerOf(SLUSH_NOTIFY, SLUSH_SUBSCRIBED, share));
  expect(displayHash(hash)).toBe('000000002076870fe65a2b6eeed84fa892c0db924f1482243a6247d931dcab32');
  expect(meetsTarget(hash, targetToBytes(targetOfDifficulty(1)))).toBe(true);
  const other = hashOf(headerOf(SLUSH_NOTIFY, SLUSH_SUBSCRIBED, share.replace('00000001', '00000002')));
  expect(meetsTarget(other, targetToBytes(targetOfDifficulty(1)))).toBe(false);
});

test('rolled bits take their places in the version, and none elsewhere', () => {
  const rolled = headerOf(
    SLUSH_NOTIFY.replace('"00000002"', '"20002004"'),
    SLUSH_SUBSCRIBED,
    '{"params": ["u", "bf", "00000001", "504e86ed", "b2957c02", "1234c000"], "id": 4, "method": "mining.submit"}',
    BIP320_MASK,
  );
  expect(Buffer.from(rolled).readUInt32LE(0)).toBe(0x3234_c004);
});
