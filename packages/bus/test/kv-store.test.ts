import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KvStore } from '../src/in-process/kv-store.ts';
import type { TornEnd } from '../src/in-process/segment-file.ts';

describe('a bucket on disk', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-kv-'));
    path = join(directory, 'bucket');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const torn: TornEnd[] = [];
  const open = () =>
    KvStore.open(
      path,
      (call) => call(),
      (end) => torn.push(end),
    );
  const MiB = 1_048_576;

  it('does not grow with what is overwritten and deleted, and loses nothing of what is there', async () => {
    const store = await open();
    await store.put('kept', Buffer.from('1'));
    const value = new Uint8Array(50_000);
    let revision = 0;
    for (let round = 0; round < 100; round++) {
      const puts = await Promise.all([store.put('renewed', value), store.put(`gone-${round}`, value)]);
      revision = Math.max(...puts);
      await store.delete(`gone-${round}`);
      expect(statSync(path).size).toBeLessThan(MiB + 200_000);
    }
    const keys = await store.keys();
    expect(keys.sort()).toEqual(['kept', 'renewed']);
    await store.close();

    const again = await open();
    expect((await again.keys()).sort()).toEqual(['kept', 'renewed']);
    expect(Buffer.from((await again.get('kept'))?.value ?? []).toString()).toBe('1');
    expect(await again.put('kept', Buffer.from('2'))).toBeGreaterThan(revision + 1);
    await again.close();
  });

  it('tells of a change that a crash tore, and has what was acknowledged before', async () => {
    const store = await open();
    await store.put('a', Buffer.from('acknowledged'));
    const { size: sound } = statSync(path);
    await store.put('a', Buffer.from('torn'));
    await store.close();
    truncateSync(path, statSync(path).size - 1);
    const bytes = statSync(path).size - sound;

    const again = await open();
    expect(torn).toEqual([{ path, bytes, keptAs: `${path}.torn` }]);
    expect(Buffer.from((await again.get('a'))?.value ?? []).toString()).toBe('acknowledged');
    await again.close();
  });

  it('is written anew seldom when much of it is there', async () => {
    const store = await open();
    const value = new Uint8Array(100_000);
    for (let key = 0; key < 30; key++) await store.put(`k${key}`, value);
    const { ino } = statSync(path);
    for (let round = 0; round < 5; round++) await store.put('k0', value);
    expect(statSync(path).ino).toBe(ino);
    await store.close();
  });
});
