// What one side of this package writes, the other reads: a proxy's two ends, a test's miner and server.
import { bytesToHex } from '@noble/hashes/utils.js';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import * as client from '../src/client-lines.ts';
import { configureResultLine } from '../src/configure.ts';
import { parseMessage, type Request, type Response, resultLine } from '../src/json-rpc.ts';
import { readVersion } from '../src/miner-answers.ts';
import { type MinerRequest, readMinerRequest } from '../src/miner-requests.ts';
import { NotifyTemplate } from '../src/notify-template.ts';
import { answeredId, readConfigured, readSubscription, refusalOf } from '../src/pool-answers.ts';
import { readPoolRequest } from '../src/pool-requests.ts';
import * as server from '../src/server-lines.ts';
import { readShare } from '../src/submitted-share.ts';

/** A line is one line; what it is without its line feed. */
function message(line: string | Uint8Array): unknown {
  const bytes = Buffer.from(line);
  expect(bytes.indexOf('\n')).toBe(bytes.length - 1);
  return parseMessage(bytes.subarray(0, -1));
}

const toServer = (line: string) => readMinerRequest(message(line) as Request);
const toClient = (line: string | Uint8Array) => readPoolRequest(message(line) as Request);
const answer = (line: string) => message(line) as Response;

const u32 = fc.nat({ max: 0xffff_ffff });
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const jobId = fc.string({ unit: fc.constantFrom(...'0123456789abcdefXYZ#-_'), minLength: 1, maxLength: 20 });
const work = fc.record({
  prevHash: hash,
  coinbasePrefix: fc.uint8Array({ maxLength: 200 }),
  coinbaseSuffix: fc.uint8Array({ maxLength: 200 }),
  merklePath: fc.array(hash, { maxLength: 14 }),
  version: u32,
  nbits: u32,
});

test('jobs', () => {
  fc.assert(
    fc.property(work, jobId, u32, fc.boolean(), (given, id, ntime, cleanJobs) => {
      const line = new NotifyTemplate(given).line(id, ntime, cleanJobs);
      expect(toClient(line)).toEqual({ kind: 'notify', job: { ...given, jobId: id, ntime, cleanJobs } });
    }),
  );
});

test('shares', () => {
  const share = fc.record({
    extranonce2: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    ntime: u32,
    nonce: u32,
    version: u32,
  });
  fc.assert(
    fc.property(fc.nat(), fc.string(), jobId, share, u32, u32, (id, user, job, chosen, jobVersion, mask) => {
      // What a miner can choose: the bits of the mask.
      const version = ((jobVersion & ~mask) | (chosen.version & mask)) >>> 0;
      const name = encodeURIComponent(user);
      const submit = toServer(client.submitLine(id, name, job, { ...chosen, version }, mask));
      expect(submit).toMatchObject({ kind: 'submit', id: String(id), user, jobId: job });
      const terms = { extranonce2Size: chosen.extranonce2.length, jobVersion, versionMask: mask };
      expect(readShare(submit as Extract<MinerRequest, { kind: 'submit' }>, terms)).toEqual({ ...chosen, version });
    }),
  );
});

test('the way in', () => {
  const configure = toServer(client.configureLine(1, 0x1fff_ffe0));
  if (configure.kind !== 'configure') throw new Error(configure.kind);
  const grants = { versionMask: 0x1fff_e000, minimumDifficulty: true, subscribeExtranonce: true };
  expect(readConfigured(answer(configureResultLine(configure, grants)))).toEqual({
    ...{ versionMask: 0x1fff_e000, minimumDifficulty: false, subscribeExtranonce: true },
  });
  expect(toServer(client.subscribeLine(2, 'sluice/1'))).toMatchObject({ agent: 'sluice/1', sessionId: undefined });
  expect(toServer(client.subscribeLine(2, 'sluice/1', 's'))).toMatchObject({ sessionId: 's' });
  const subscribed = answer(server.subscribeResultLine('2', 's', Uint8Array.of(8, 0, 0, 2), 8));
  expect(answeredId(subscribed)).toBe(2);
  expect(readSubscription(subscribed)).toEqual({
    ...{ extranonce1: Uint8Array.of(8, 0, 0, 2), extranonce2Size: 8, sessionId: 's' },
  });
  expect(toServer(client.authorizeLine(3, 'farm.rig', 'd=5'))).toMatchObject({ user: 'farm.rig', password: 'd=5' });
  expect(toServer(client.extranonceSubscribeLine(4))).toEqual({ kind: 'extranonce-subscribe', id: '4' });
  expect(toServer(client.suggestDifficultyLine(5, 1e-7))).toMatchObject({ difficulty: 1e-7 });
  expect(refusalOf(answer(server.acceptedLine('3')))).toBeUndefined();
  expect(refusalOf(answer(server.sv2RefusedLine('3', 'stale-share')))).toEqual({ code: 21, message: 'Stale share' });
  expect(answer(server.pongLine('3'))).toMatchObject({ result: 'pong' });
  expect(answer(server.noTransactionsLine('3'))).toMatchObject({ result: [] });
});

test('what a server says on its own account', () => {
  expect(toClient(server.setDifficultyLine(2 ** -20))).toEqual({ kind: 'set-difficulty', difficulty: 2 ** -20 });
  expect(toClient(server.setExtranonceLine(Uint8Array.of(1, 2), 6))).toEqual({
    ...{ kind: 'set-extranonce', extranonce1: Uint8Array.of(1, 2), extranonce2Size: 6 },
  });
  expect(toClient(server.setVersionMaskLine(0x3000))).toEqual({ kind: 'set-version-mask', mask: 0x3000 });
  expect(server.setVersionMaskLine(0x3000)).toBe(
    '{"id":null,"method":"mining.set_version_mask","params":["00003000"]}\n',
  );
  expect(toClient(server.reconnectLine(0))).toEqual({
    kind: 'reconnect',
    host: undefined,
    port: undefined,
    waitSeconds: 0,
  });
  expect(toClient(server.reconnectLine(9, { host: 'pool.example.com', port: 3333 }))).toEqual({
    ...{ kind: 'reconnect', host: 'pool.example.com', port: 3333, waitSeconds: 9 },
  });
  expect(toClient(server.showMessageLine('grüße'))).toEqual({ kind: 'show-message', text: 'grüße' });
  expect(toClient(server.getVersionLine(7))).toEqual({ kind: 'get-version', id: '7' });
  expect(readVersion(answer(resultLine('7', 'sluice/1')))).toBe('sluice/1');
  expect(readVersion(answer(server.acceptedLine('7')))).toBeUndefined();
  expect(toClient(server.pingLine(8))).toEqual({ kind: 'ping', id: '8' });
  expect(toServer(server.pingLine(8))).toEqual({ kind: 'ping', id: '8' });
});

test('a job told again is the same work under another id', () => {
  const template = new NotifyTemplate({
    ...{ prevHash: new Uint8Array(32), coinbasePrefix: Uint8Array.of(1), coinbaseSuffix: Uint8Array.of(2) },
    ...{ merklePath: [], version: 0x2000_0000, nbits: 0x1d00_ffff },
  });
  const zeros = bytesToHex(new Uint8Array(32));
  const line = (id: string, ntime: string, clean: boolean) =>
    `{"id":null,"method":"mining.notify","params":["${id}","${zeros}","01","02",[],"20000000","1d00ffff","${ntime}",${clean}]}\n`;
  expect(Buffer.from(template.line('1', 0x504e_86ed, true)).toString()).toBe(line('1', '504e86ed', true));
  expect(Buffer.from(template.line('1#2', 0x504e_86f0, false)).toString()).toBe(line('1#2', '504e86f0', false));
});

test('a job says whether devices have room for it, for every id of up to 16 characters', () => {
  const base = {
    prevHash: new Uint8Array(32),
    coinbaseSuffix: new Uint8Array(0),
    merklePath: [],
    version: 0,
    nbits: 0,
  };
  const sized = (size: number) => new NotifyTemplate({ ...base, coinbasePrefix: new Uint8Array(size) });
  const room = Array.from({ length: 200 }, (_, index) => 3_900 + index).findLast((size) => sized(size).fitsDevices)!;
  const longest = sized(room).line('x'.repeat(16), 0, false);
  expect(longest.length).toBeLessThanOrEqual(8_193);
  expect(longest.length).toBeGreaterThan(8_190);
});

test('what no line can carry is thrown for', () => {
  const thrown = expect.objectContaining({ code: 'value-out-of-range' });
  const template = new NotifyTemplate({
    ...{ prevHash: new Uint8Array(32), coinbasePrefix: new Uint8Array(0), coinbaseSuffix: new Uint8Array(0) },
    ...{ merklePath: [], version: 0, nbits: 0 },
  });
  for (const id of ['', '"', '\\', 'é', '\n']) expect(() => template.line(id, 0, true)).toThrow(thrown);
  for (const size of [0, 9, 1.5]) {
    expect(() => server.setExtranonceLine(Uint8Array.of(1), size)).toThrow(thrown);
    expect(() => server.subscribeResultLine('1', 's', Uint8Array.of(1), size)).toThrow(thrown);
  }
  expect(() => server.setDifficultyLine(0)).toThrow(thrown);
});
