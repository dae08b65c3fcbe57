import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { expect, it, onTestFinished } from 'vitest';
import { TOLD_WORK_BOUND, ToldWork } from '../../src/template-server/told-work.ts';
import { hash } from './told-templates.ts';

const merklePath = [hash(7), hash(8)];
const coinbase = hash(9);
const root = foldMerklePath(coinbase, merklePath);

function setUp(path = join(newDirectory(), 'servers', 'one.json')) {
  const failures: unknown[] = [];
  return { path, failures, work: new ToldWork(path, { onFailure: (error) => void failures.push(error) }) };
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-told-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

it('finds the template of a block by parent and merkle root', () => {
  const work = setUp().work;
  work.add(1n, { prevHash: hash(1), merklePath });
  work.add(2n, { prevHash: hash(2), merklePath });
  work.add(3n, { prevHash: hash(2), merklePath: [] });
  expect(work.find(hash(1), coinbase, root)).toBe(1n);
  expect(work.find(hash(2), coinbase, root)).toBe(2n);
  expect(work.find(hash(2), coinbase, coinbase)).toBe(3n);
  expect(work.find(hash(1), coinbase, coinbase)).toBeUndefined();
  expect(work.find(hash(3), coinbase, root)).toBeUndefined();
});

it('takes the last word of an id, and the newest of equals', () => {
  const work = setUp().work;
  for (const id of [1n, 2n]) work.add(id, { prevHash: hash(1), merklePath });
  expect(work.find(hash(1), coinbase, root)).toBe(2n);
  work.add(2n, { prevHash: hash(5), merklePath });
  expect(work.find(hash(1), coinbase, root)).toBe(1n);
});

it('holds a bounded number', () => {
  const work = setUp().work;
  for (let id = 0; id < 2 * TOLD_WORK_BOUND; id++) work.add(BigInt(id), { prevHash: hash(1), merklePath: [] });
  expect(work.size).toBe(TOLD_WORK_BOUND);
});

it('is there again after a restart, whatever was told last', async () => {
  const { path, work } = setUp();
  await work.load();
  for (let id = 1n; id <= 100n; id++) work.add(id, { prevHash: hash(1), merklePath: [hash(Number(id))] });
  await work.flush();
  const { work: again, failures } = setUp(path);
  await again.load();
  expect(again.size).toBe(100);
  expect(again.find(hash(1), coinbase, foldMerklePath(coinbase, [hash(77)]))).toBe(77n);
  expect(failures).toEqual([]);
});

it('begins anew where the file is damaged, and says so; without one it just begins', async () => {
  const { path, work, failures } = setUp();
  await work.load();
  expect(failures).toEqual([]);
  writeFileSync(path, '[{"id":"1"');
  await work.load();
  expect(failures).toHaveLength(1);
  work.add(1n, { prevHash: hash(1), merklePath });
  expect(work.find(hash(1), coinbase, root)).toBe(1n);
  await work.flush();
});

it('goes on in memory when the disk takes nothing, and says so', async () => {
  const { work, failures } = setUp(join(newDirectory(), 'none', 'one.json'));
  work.add(1n, { prevHash: hash(1), merklePath });
  await work.flush();
  expect(failures).toMatchObject([{ code: 'ENOENT' }]);
  expect(work.find(hash(1), coinbase, root)).toBe(1n);
});
