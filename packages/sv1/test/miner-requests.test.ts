import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { agreedMask, type Configure, readConfigure } from '../src/configure.ts';
import type { Request } from '../src/json-rpc.ts';
import { readMinerRequest, type Submit } from '../src/miner-requests.ts';
import { parsePasswordOptions } from '../src/password-options.ts';
import { readShare } from '../src/submitted-share.ts';
import { decodeUser, splitUser } from '../src/user-name.ts';

const request = (method: string, ...params: readonly unknown[]): Request => ({
  kind: 'request',
  id: '1',
  method,
  params,
});
const read = (method: string, ...params: readonly unknown[]) => readMinerRequest(request(method, ...params));

test.each<[string, readonly unknown[]]>([
  ['mining.configure', []],
  ['mining.configure', ['version-rolling']],
  ['mining.authorize', []],
  ['mining.authorize', [7, 'x']],
  ['mining.suggest_difficulty', [0]],
  ['mining.suggest_difficulty', ['many']],
  ['mining.suggest_target', ['00']],
  ['mining.suggest_target', ['f'.repeat(65)]],
  ['mining.submit', ['u', 'j', '00', '504e86ed']],
  ['mining.submit', ['u', 'j', '00', '504e86ed', '123456789']],
  ['mining.submit', ['u', 'j', '00', 'time', 'b2957c02']],
  ['mining.submit', ['u', 'j', '00', '504e86ed', 'b2957c02', 'bits']],
  ['mining.submit', ['u', 7, '00', '504e86ed', 'b2957c02']],
])('%s with %j is malformed, which is no fault of the line', (method, params) => {
  expect(read(method, ...params)).toEqual({ kind: 'malformed', id: '1', method });
});

test.each(['constructor', '__proto__', 'hasOwnProperty', '', 'mining.Submit'])('%s is no method', (method) => {
  expect(read(method)).toEqual({ kind: 'unknown', id: '1', method });
});

test.each<[string, readonly unknown[], object]>([
  ['mining.suggest_difficulty', ['512'], { difficulty: 512 }],
  ['mining.suggest_difficulty', [1.5e-4], { difficulty: 0.000_15 }],
  ['mining.suggest_target', ['FF'], { target: 255n }],
  ['mining.subscribe', [null, null, 'host', 3333], { agent: '', host: 'host', port: 3333 }],
  ['mining.subscribe', ['a', 's', 'host', '70000'], { port: undefined }],
  ['mining.submit', ['u', 'j', '00', '504E86ED', '1', null], { ntime: 0x504e_86ed, nonce: 1, versionBits: undefined }],
  ['mining.submit', ['u', 'j', '00', '0', '0', '0', 'more'], { ntime: 0, nonce: 0, versionBits: 0 }],
])('%s with %j is taken', (method, params, fields) => {
  expect(read(method, ...params)).toMatchObject(fields);
});

const GRANTS = { versionMask: 0x1fff_e000, minimumDifficulty: true, subscribeExtranonce: true };

test('a mask that cannot be read grants nothing', () => {
  const configure = readConfigure(
    request('mining.configure', ['version-rolling', 7], { 'version-rolling.mask': 'all of them' }),
  ) as Configure;
  expect(configure.versionRolling).toBeUndefined();
  expect(configure.extensions).toEqual(['version-rolling']);
  expect(agreedMask(configure, GRANTS)).toBe(0);
});

test('an agreed mask is unsigned', () => {
  const configure = readConfigure(request('mining.configure', ['version-rolling'], {})) as Configure;
  expect(agreedMask(configure, { ...GRANTS, versionMask: 0xffff_ffff })).toBe(0xffff_ffff);
});

const TERMS = { extranonce2Size: 4, jobVersion: 0x2000_0000, versionMask: 0x1fff_e000 };
const submit = (fields: Partial<Submit>): Submit => ({
  ...{ kind: 'submit', id: '1', user: 'u', jobId: 'j', extranonce2: '00000001', ntime: 1, nonce: 2 },
  ...{ versionBits: undefined, ...fields },
});

test.each<[string, Partial<Submit>, object | string]>([
  [
    'a share',
    { versionBits: 0x2000 },
    { extranonce2: Uint8Array.of(0, 0, 0, 1), ntime: 1, nonce: 2, version: 0x2000_2000 },
  ],
  ['upper case', { extranonce2: 'ABCDEF01' }, { extranonce2: Uint8Array.of(0xab, 0xcd, 0xef, 1) }],
  ['an extranonce2 that is too short', { extranonce2: '000001' }, 'bad-extranonce-size'],
  ['one that is too long', { extranonce2: '0000000001' }, 'bad-extranonce-size'],
  ['one of an odd number of digits', { extranonce2: '0000001' }, 'bad-extranonce-size'],
  ['one that is no number', { extranonce2: '0000000x' }, 'bad-extranonce-size'],
  ['bits that may not be rolled', { versionBits: 1 }, 'invalid-non-rollable-version-bit'],
])('%s is told by its code or its fields', (_, fields, expected) => {
  const share = readShare(submit(fields), TERMS);
  if (typeof expected === 'string') expect(share).toBe(expected);
  else expect(share).toMatchObject(expected);
});

test('bits where none were agreed on have a code of their own', () => {
  expect(readShare(submit({ versionBits: 0x2000 }), { ...TERMS, versionMask: 0 })).toBe('version-rolling-not-allowed');
});

test.each([
  ['x', undefined, undefined],
  ['', undefined, undefined],
  ['d=1024', 1024, undefined],
  ['x,diff=512', 512, undefined],
  ['D=0.5; fd=2048', 0.5, 2048],
  ['fd=.25 d=1 d=2', 1, 0.25],
  ['d=0,d=-1,d=x,d=1e5,d=,md=7', undefined, undefined],
  [`d=${'9'.repeat(400)}`, undefined, undefined],
])('the options of the password %s', (password, difficulty, fixedDifficulty) => {
  expect(parsePasswordOptions(password)).toEqual({ difficulty, fixedDifficulty });
});

test.each([
  ['addr', 'addr', ''],
  ['addr.rig', 'addr', 'rig'],
  ['addr.rig.7', 'addr', 'rig.7'],
  ['.rig', '', 'rig'],
])('the user %s', (user, account, worker) => {
  expect(splitUser(user)).toEqual({ account, worker });
});

test('a user is decoded where it is encoded, and else left as it is', () => {
  expect(decodeUser('a%2Eb%C3%A9')).toBe('a.bé');
  expect(decodeUser('100%')).toBe('100%');
  fc.assert(
    fc.property(fc.string(), (user) => {
      expect(decodeUser(encodeURIComponent(user))).toBe(user);
    }),
  );
});
