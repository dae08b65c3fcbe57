// What comes with each share and goes out with each job, beside the same done by JSON.parse and JSON.stringify alone; results are compared first.
import assert from 'node:assert/strict';
import { bytesToHex } from '@noble/hashes/utils.js';
import { bench, do_not_optimize, run, summary } from 'mitata';
import { hexU32 } from '../src/hex.ts';
import { parseMessage } from '../src/json-rpc.ts';
import { LineParser } from '../src/line-parser.ts';
import { readMinerRequest, type Submit } from '../src/miner-requests.ts';
import { NotifyTemplate } from '../src/notify-template.ts';
import { formatPrevHash } from '../src/prev-hash.ts';
import { acceptedLine } from '../src/server-lines.ts';
import { SubmitReader } from '../src/submit-reader.ts';

const submits = [
  '{"id": 9, "method": "mining.submit", "params": ["bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.bitaxe", "1a2b", "0000000000000001", "504e86ed", "b2957c02", "00ac4000"]}',
  '{"params": ["farm.s9", "1a2b", "0000000000000001", "504e86ed", "b2957c02"], "id": 41234, "method": "mining.submit"}',
].map((line) => Buffer.from(line));

function read(line: Uint8Array): Submit {
  const message = parseMessage(line);
  if (message.kind !== 'request') throw new Error(message.kind);
  const request = readMinerRequest(message);
  if (request.kind !== 'submit') throw new Error(request.kind);
  return request;
}

/** What a server does that trusts its miners: wrong for large ids, for bytes that are no UTF-8, and for everything that is not as it should be. */
function readPlainly(line: Uint8Array): Submit {
  const { id, params } = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.length).toString()) as {
    id: number;
    params: string[];
  };
  const [user = '', jobId = '', extranonce2 = '', ntime = '', nonce = '', bits] = params;
  return {
    ...{ kind: 'submit', id: String(id), user, jobId, extranonce2 },
    ntime: Number.parseInt(ntime, 16),
    nonce: Number.parseInt(nonce, 16),
    versionBits: bits === undefined ? undefined : Number.parseInt(bits, 16),
  };
}

const work = {
  prevHash: Uint8Array.from({ length: 32 }, (_, index) => index),
  coinbasePrefix: new Uint8Array(60).fill(1),
  coinbaseSuffix: new Uint8Array(150).fill(2),
  merklePath: Array.from({ length: 12 }, (_, index) => new Uint8Array(32).fill(index)),
  ...{ version: 0x2000_0000, nbits: 0x1703_4219 },
};
const template = new NotifyTemplate(work);

function notifyPlainly(jobId: string, ntime: number, cleanJobs: boolean): Uint8Array {
  const { prevHash, coinbasePrefix, coinbaseSuffix, merklePath, version, nbits } = work;
  const params = [
    ...[jobId, formatPrevHash(prevHash), bytesToHex(coinbasePrefix), bytesToHex(coinbaseSuffix)],
    ...[merklePath.map((hash) => bytesToHex(hash)), hexU32(version), hexU32(nbits), hexU32(ntime), cleanJobs],
  ];
  return Buffer.from(`${JSON.stringify({ id: null, method: 'mining.notify', params })}\n`);
}

const reader = new SubmitReader();

for (const line of submits) {
  assert.deepEqual(read(line), readPlainly(line));
  assert.equal(reader.read(line), true);
  const { ntime, nonce, versionBits } = readPlainly(line);
  assert.deepEqual([reader.ntime, reader.nonce, reader.versionBits], [ntime, nonce, versionBits]);
}
assert.deepEqual(Buffer.from(template.line('1a2b', 1.7e9, true)), notifyPlainly('1a2b', 1.7e9, true));
assert.equal(acceptedLine('7'), `${JSON.stringify({ id: 7, result: true, error: null })}\n`);

const [sixParameters = new Uint8Array(0), fiveParameters = new Uint8Array(0)] = submits;
for (const [name, line] of [
  ['six parameters', sixParameters],
  ['five parameters', fiveParameters],
] as const)
  summary(() => {
    bench(`mining.submit of ${name}, read in place`, () => do_not_optimize(reader.read(line)));
    bench(`mining.submit of ${name}, read`, () => do_not_optimize(read(line)));
    bench(`the same, JSON.parse alone`, () => do_not_optimize(readPlainly(line))).baseline(true);
  });

summary(() => {
  bench('mining.notify, a new id and time for a job', () => do_not_optimize(template.line('1a2b', 1.7e9, true)));
  bench('mining.notify, a new job', () => do_not_optimize(new NotifyTemplate(work).line('1a2b', 1.7e9, true)));
  bench('mining.notify, JSON.stringify alone', () => do_not_optimize(notifyPlainly('1a2b', 1.7e9, true))).baseline(
    true,
  );
});

const burst = Buffer.concat(Array.from({ length: 100 }, () => Buffer.concat([sixParameters, Buffer.from('\n')])));

function cut(chunkLength: number): number {
  const parser = new LineParser();
  let lines = 0;
  for (let at = 0; at < burst.length; at += chunkLength)
    parser.push(burst.subarray(at, at + chunkLength), (line) => {
      lines += line.length === sixParameters.length ? 1 : 0;
    });
  return lines;
}

for (const chunkLength of [burst.length, 1_460, 1]) assert.equal(cut(chunkLength), 100);
bench('line parser, 100 shares in one chunk', () => do_not_optimize(cut(burst.length)));
bench('line parser, the same in chunks of 1,460 B', () => do_not_optimize(cut(1_460)));

if (!process.argv.includes('--check')) await run();
