import { expect, test } from 'vitest';
import { parseMessage, type Request, type Response } from '../src/json-rpc.ts';
import { answeredId, readConfigured, readSubscription, refusalOf } from '../src/pool-answers.ts';
import { readPoolRequest } from '../src/pool-requests.ts';

const message = (line: string) => parseMessage(Buffer.from(line));
const answer = (line: string) => message(line) as Response;

test.each([
  ['ckpool, public-pool', '[[["mining.notify","s1"]],"08000002",8]', 's1'],
  ['datum, p2poolv2', '[[["mining.set_difficulty","d1"],["mining.notify","s1"]],"08000002",8]', 's1'],
  ['the other way round', '[[["mining.notify","s1"],["mining.set_difficulty","d1"]],"08000002",8]', 's1'],
  ['old nomp', '[["mining.notify","s1"],"08000002",8]', 's1'],
  ['none', '[[],"08000002",8]', undefined],
  ['null', '[null,"08000002","8"]', undefined],
])('a subscription as of %s', (_, result, sessionId) => {
  expect(readSubscription(answer(`{"id":1,"result":${result},"error":null}`))).toEqual({
    ...{ extranonce1: Uint8Array.of(8, 0, 0, 2), extranonce2Size: 8, sessionId },
  });
});

test.each([
  ['true', 'null'],
  ['[[],"0800000",8]', 'null'],
  ['[[],"08000002",0]', 'null'],
  ['[[],"08000002",33]', 'null'],
  [`[[],"${'00'.repeat(33)}",4]`, 'null'],
  ['[[],"08000002"]', 'null'],
  ['[[],"08000002",8]', '[20,"busy",null]'],
])('no subscription is %s with the error %s', (result, error) => {
  expect(readSubscription(answer(`{"id":1,"result":${result},"error":${error}}`))).toBeUndefined();
});

test.each([
  ['{"version-rolling":true,"version-rolling.mask":"1fffe000","subscribe-extranonce":true}', 0x1fff_e000, true],
  ['{"version-rolling":false,"version-rolling.mask":"1fffe000"}', 0, false],
  ['{"version-rolling":"no bits"}', 0, false],
  ['null', 0, false],
])('configured by %s', (result, versionMask, subscribeExtranonce) => {
  expect(readConfigured(answer(`{"id":1,"result":${result},"error":null}`))).toEqual({
    ...{ versionMask, minimumDifficulty: false, subscribeExtranonce },
  });
});

test.each([
  ['true', 'null', undefined],
  ['"ok"', 'null', undefined],
  ['true', 'false', undefined],
  ['false', 'null', { code: 20, message: 'refused' }],
  ['null', 'null', { code: 20, message: 'refused' }],
  ['null', '[21,"Job not found",null]', { code: 21, message: 'Job not found' }],
  ['false', '[23,"high-hash"]', { code: 23, message: 'high-hash' }],
  ['null', '{"code":-3,"message":"method not found"}', { code: -3, message: 'method not found' }],
  ['false', '"Stale"', { code: 20, message: 'Stale' }],
  ['null', '[]', { code: 20, message: 'refused' }],
  ['null', '7', { code: 20, message: 'refused' }],
])('the result %s with the error %s', (result, error, refusal) => {
  expect(refusalOf(answer(`{"id":1,"result":${result},"error":${error}}`))).toEqual(refusal);
});

test('the reason that stands beside an error', () => {
  const refusal = refusalOf(answer('{"reject-reason":"Above target","result":false,"error":"Invalid","id":5}'));
  expect(refusal).toEqual({ code: 20, message: 'Above target' });
});

test.each([
  ['5', 5],
  ['"5"', 5],
  ['null', undefined],
  ['"x"', undefined],
  ['5.0', undefined],
])('the id %s is that of %s', (id, number) => {
  expect(answeredId(answer(`{"id":${id},"result":true}`))).toBe(number);
});

const HASH = '00'.repeat(32);
const read = (method: string, params: string) =>
  readPoolRequest(message(`{"id":null,"method":"${method}","params":${params}}`) as Request);

test.each<[string, string, object]>([
  ['mining.set_difficulty', '[0.001]', { kind: 'set-difficulty', difficulty: 0.001 }],
  ['mining.set_difficulty', '["2048"]', { kind: 'set-difficulty', difficulty: 2048 }],
  ['mining.set_version', '["1fffe000"]', { kind: 'set-version-mask', mask: 0x1fff_e000 }],
  ['client.reconnect', '[]', { kind: 'reconnect', host: undefined, port: undefined, waitSeconds: 0 }],
  [
    'client.reconnect',
    '["a.example.com","3334","10"]',
    { kind: 'reconnect', host: 'a.example.com', port: 3334, waitSeconds: 10 },
  ],
  ['client.reconnect', '["",0,-1]', { kind: 'reconnect', host: undefined, port: undefined, waitSeconds: 0 }],
  [
    'mining.notify',
    `["j","${HASH}","","",[],"2","1d00ffff","5"]`,
    { kind: 'notify', job: { jobId: 'j', version: 2, cleanJobs: false } },
  ],
  ['mining.set_goal', '["x"]', { kind: 'unknown', method: 'mining.set_goal' }],
])('%s with %s', (method, params, expected) => {
  expect(read(method, params)).toMatchObject(expected);
});

test.each([
  ['mining.set_difficulty', '[0]'],
  ['mining.set_difficulty', '[-1]'],
  ['mining.set_difficulty', '[null]'],
  ['mining.set_extranonce', '["0",4]'],
  ['mining.set_version_mask', '["mask"]'],
  ['client.show_message', '[1]'],
  ['mining.notify', '[]'],
  ['mining.notify', `[1,"${HASH}","","",[],"2","1d00ffff","5",true]`],
  ['mining.notify', `["j","${HASH}00","","",[],"2","1d00ffff","5",true]`],
  ['mining.notify', `["j","${HASH}","0","",[],"2","1d00ffff","5",true]`],
  ['mining.notify', `["j","${HASH}","","",["00"],"2","1d00ffff","5",true]`],
  ['mining.notify', `["j","${HASH}","","",[${Array(33).fill(`"${HASH}"`)}],"2","1d00ffff","5",true]`],
  ['mining.notify', `["j","${HASH}","","",[],"x","1d00ffff","5",true]`],
])('%s with %s is malformed', (method, params) => {
  expect(read(method, params)).toEqual({ kind: 'malformed', id: 'null', method });
});
