// Transactions of templates between two providers: asked for at once from two sides, and with a disk that fails.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TemplateBodies } from '../src/template-bodies.ts';
import { encodeTemplateBody } from '../src/template-body.ts';
import { TemplateStore } from '../src/template-store.ts';

describe('TemplateBodies', () => {
  const transactions = Array.from({ length: 20 }, (_, index) => new Uint8Array(60_000).fill(index));
  const directories: string[] = [];
  let bus: Bus;
  let owner: TemplateBodies;
  let other: TemplateBodies;
  let otherStore: TemplateStore;
  let failures: unknown[];

  async function newStore(): Promise<TemplateStore> {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-bodies-'));
    directories.push(directory);
    const store = new TemplateStore({ directory, maxBytes: 10_000_000 }, { now: () => Date.now() });
    await store.load();
    return store;
  }

  beforeEach(async () => {
    failures = [];
    bus = await createInProcessBus();
    const ownStore = await newStore();
    otherStore = await newStore();
    const modules = { bus, onStoreFailure: (error: unknown) => void failures.push(error) };
    owner = new TemplateBodies('owner', { ...modules, store: ownStore });
    other = new TemplateBodies('other', { ...modules, store: otherStore });
    owner.start();
    other.start();
    await ownStore.put('owner', 1n, encodeTemplateBody(transactions.map((data) => ({ data }))));
  });
  afterEach(async () => {
    owner.stop();
    other.stop();
    await bus.close();
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
  });

  it('gives the news of a template and its solution the same copy, whoever asks first', async () => {
    const asked = [other.copy('owner', 1n), other.transactions('owner', 1n), other.transactions('owner', 1n)];
    const [copied, ...read] = await Promise.all(asked);
    expect(copied).toEqual(encodeTemplateBody(transactions.map((data) => ({ data }))));
    for (const each of read) expect(each).toEqual(transactions);
    expect(otherStore.has('owner', 1n)).toBe(true);
    owner.stop();
    expect((await other.transactions('owner', 1n))?.length).toBe(transactions.length);
    expect(failures).toEqual([]);
  });

  it('gives the transactions of a solution though the disk takes nothing', async () => {
    rmSync(directories[1] as string, { recursive: true });
    expect(await other.transactions('owner', 1n)).toEqual(transactions);
    expect(failures).toHaveLength(1);
    expect(otherStore.inMemory).toBe(1);
  });

  it('asks the other provider again when its own copy cannot be read', async () => {
    await other.copy('owner', 1n);
    rmSync(directories[1] as string, { recursive: true });
    expect(await other.transactions('owner', 1n)).toEqual(transactions);
    expect(failures).toHaveLength(2);
  });
});
