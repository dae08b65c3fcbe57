import { encodeWorkerIdentity } from '@sluice/sv2/extensions';
import { expect, it } from 'vitest';
import { workerField, workerOf } from '../../src/miners/worker-name.ts';

it.each([
  ['farm.rig-1', 'rig-1'],
  ['farm.hall.rig-1', 'hall.rig-1'],
  ['rig-1', 'rig-1'],
  ['farm.', 'farm.'],
  ['.rig', 'rig'],
  [`farm.${'x'.repeat(40)}`, 'x'.repeat(32)],
  [`farm.${'ü'.repeat(20)}`, 'ü'.repeat(16)],
  [`farm.${'x'.repeat(31)}ü`, 'x'.repeat(31)],
  ['farm.a\u0000b\u007f\ud800c', 'abc'],
])('%j is worker %j', (user, worker) => {
  expect(workerOf(user)).toBe(worker);
  expect(workerField(user)).toEqual(encodeWorkerIdentity(worker));
});

it('is no field when nothing is left', () => {
  expect(workerField('\u0001')).toBeUndefined();
});
