import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { expect, it } from 'vitest';
import { TOLD_WORK_BOUND, ToldWork } from '../../src/template-server/told-work.ts';
import { hash } from './told-templates.ts';

const path = [hash(7), hash(8)];
const coinbase = hash(9);
const root = foldMerklePath(coinbase, path);

it('finds the template of a block by parent and merkle root', () => {
  const work = new ToldWork();
  work.add(1n, { prevHash: hash(1), merklePath: path });
  work.add(2n, { prevHash: hash(2), merklePath: path });
  work.add(3n, { prevHash: hash(2), merklePath: [] });
  expect(work.find(hash(1), coinbase, root)).toBe(1n);
  expect(work.find(hash(2), coinbase, root)).toBe(2n);
  expect(work.find(hash(2), coinbase, coinbase)).toBe(3n);
  expect(work.find(hash(1), coinbase, coinbase)).toBeUndefined();
  expect(work.find(hash(3), coinbase, root)).toBeUndefined();
});

it('takes the last word of an id, and the newest of equals', () => {
  const work = new ToldWork();
  for (const id of [1n, 2n]) work.add(id, { prevHash: hash(1), merklePath: path });
  expect(work.find(hash(1), coinbase, root)).toBe(2n);
  work.add(2n, { prevHash: hash(5), merklePath: path });
  expect(work.find(hash(1), coinbase, root)).toBe(1n);
});

it('holds a bounded number', () => {
  const work = new ToldWork();
  for (let id = 0; id < 2 * TOLD_WORK_BOUND; id++) work.add(BigInt(id), { prevHash: hash(1), merklePath: [] });
  expect(work.size).toBe(TOLD_WORK_BOUND);
});
