import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@sluice/runtime/clock';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TipNews } from '../../src/node-source.ts';
import { templateAhead } from '../../src/template-distribution/empty-templates.ts';
import { ToldTemplates } from '../../src/template-distribution/told-templates.ts';
import { TEMPLATE_LIFETIME_MS } from '../../src/template-store.ts';

let directory: string;
let clock: ManualClock;
let failures: unknown[];
const tip = { hash: new Uint8Array(32).fill(1), height: 9, chainwork: 1n, minNtime: 1 } as TipNews;
const told = (id: bigint) => ({ id, template: templateAhead(tip, 2, 'regtest') });

async function open(bound?: number): Promise<ToldTemplates> {
  const templates = new ToldTemplates(directory, { clock, onFailure: (error) => void failures.push(error) }, bound);
  await templates.load();
  return templates;
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-told-'));
  clock = new ManualClock();
  failures = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

it('gives back what was told, after a restart too, and what has changed of it', async () => {
  const templates = await open();
  const added = told(5n);
  await templates.add(added);
  added.template = { ...added.template, nbits: 0x207fffff };
  await templates.save(added);
  expect((await open()).get(5n)?.template).toMatchObject({ nbits: 0x207fffff, height: 11, templateId: 0n });
  expect((await open()).newestId).toBe(5n);
});

it('drops what a kill left half written, and says what cannot be read', async () => {
  writeFileSync(join(directory, '5.partial'), 'half');
  writeFileSync(join(directory, '6.template'), 'none');
  writeFileSync(join(directory, 'README'), 'not ours');
  const templates = await open();
  expect(templates.count).toBe(0);
  expect(failures).toHaveLength(1);
  expect(readdirSync(directory)).toEqual(['README']);
});

it('keeps what clients work on, and the others as long as their transactions', async () => {
  const templates = await open();
  for (const id of [1n, 2n]) await templates.add(told(id));
  await templates.keep(new Set([1n]));
  clock.advance(TEMPLATE_LIFETIME_MS);
  await templates.keep(new Set([1n]));
  expect(templates.count).toBe(2);
  clock.advance(1);
  await templates.keep(new Set([1n]));
  expect([templates.get(1n)?.id, templates.get(2n)]).toEqual([1n, undefined]);
  expect(readdirSync(directory)).toEqual(['1.template']);
});

it('forgets the oldest at its bound and counts it', async () => {
  const templates = await open(8);
  for (let id = 0n; id < 9n; id += 1n) await templates.add(told(id));
  expect([templates.count, templates.droppedEarly]).toEqual([8, 1]);
  expect(templates.get(0n)).toBeUndefined();
  expect(templates.get(8n)).toBeDefined();
});

it('goes on in memory when the disk takes nothing, and says so', async () => {
  const templates = await open();
  rmSync(directory, { recursive: true });
  await templates.add(told(1n));
  expect(failures).toHaveLength(1);
  expect(templates.get(1n)).toBeDefined();
  await open();
});
