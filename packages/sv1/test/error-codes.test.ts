import { errorCodes } from '@sluice/sv2/error-codes';
import { expect, test } from 'vitest';
import { sv1Codes, sv1ErrorOf, sv1Errors, sv2ErrorOf } from '../src/error-codes.ts';

test.each(Object.keys(sv1Errors['SubmitShares.Error']))('%s comes back from what a miner is told', (errorCode) => {
  expect(sv2ErrorOf(sv1ErrorOf(errorCode))).toBe(errorCode);
});

test('every code that a miner is told is one of the six', () => {
  const errors = Object.values(sv1Errors).flatMap((table) => Object.values(table));
  expect(errors.filter(({ code, message }) => !(code in sv1Codes) || message === '')).toEqual([]);
  for (const name of ['SubmitShares.Error', 'OpenMiningChannel.Error'] as const)
    expect(Object.keys(sv1Errors[name])).toEqual(Object.keys(errorCodes[name]));
});

test('a code of somebody else says its name', () => {
  expect(sv1ErrorOf('too-many-cooks')).toEqual({ code: 20, message: 'too-many-cooks' });
  expect(sv1ErrorOf('constructor')).toEqual({ code: 20, message: 'constructor' });
});

test.each([
  [21, 'stale-work', 'stale-share'],
  [21, 'stale-prevblk', 'stale-share'],
  [21, 'time-too-old', 'invalid-share'],
  [21, 'Job not found', 'invalid-job-id'],
  [20, 'unknown-work', 'invalid-job-id'],
  [23, 'high-hash', 'difficulty-too-low'],
  [23, 'bad-version', 'invalid-non-rollable-version-bit'],
  [23, 'H-not-zero', 'difficulty-too-low'],
  [22, '', 'duplicate-share'],
  [20, 'Above target', 'difficulty-too-low'],
  [20, 'Invalid nonce2 length', 'bad-extranonce-size'],
  [20, 'Ntime out of range', 'invalid-share'],
  [20, 'Duplicate', 'duplicate-share'],
  [24, 'Unauthorized worker', 'invalid-share'],
  [-2, 'whatever', 'invalid-share'],
])('%d %s of a pool is %s', (code, message, errorCode) => {
  expect(sv2ErrorOf({ code, message })).toBe(errorCode);
});
