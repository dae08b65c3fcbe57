import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeTemplateBody, encodeTemplateBody } from '../src/template-body.ts';
import { MEMORY_BODIES_BOUND, TEMPLATE_LIFETIME_MS, TemplateStore } from '../src/template-store.ts';

describe('TemplateStore', () => {
  let directory: string;
  let now: number;
  const body = new Uint8Array(1_000).fill(9);
  const open = async (maxBytes = 1_000_000) => {
    const store = new TemplateStore({ directory, maxBytes }, { now: () => now });
    await store.load();
    return store;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-store-'));
    now = Date.now();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('gives back what it was given, after a restart too', async () => {
    await (await open()).put('a', 7n, body);
    const again = await open();
    expect(await again.get('a', 7n)).toEqual(Buffer.from(body));
    expect(again.has('a', 8n)).toBe(false);
    expect(await again.get('b', 7n)).toBeUndefined();
  });

  it('drops a body that a kill left half written', async () => {
    await (await open()).put('a', 7n, body);
    writeFileSync(join(directory, 'a_8.partial'), 'half');
    const again = await open();
    expect(again.count).toBe(1);
    expect(readdirSync(directory)).toEqual(['a_7.body']);
  });

  it('keeps a body as long as its job may be worked on, and its life from then on', async () => {
    const store = await open();
    for (const id of [1n, 2n, 3n]) await store.put('a', id, body);
    await store.keep([{ provider: 'a', templateId: 1n }]);
    now += 10 * TEMPLATE_LIFETIME_MS;
    await store.put('a', 4n, body);
    expect([1n, 2n, 3n, 4n].map((id) => store.has('a', id))).toEqual([true, false, true, true]);
    await store.keep([{ provider: 'a', templateId: 4n }]);
    now += TEMPLATE_LIFETIME_MS;
    await store.put('a', 5n, body);
    expect(store.has('a', 1n)).toBe(true);
    now += 1;
    await store.put('a', 6n, body);
    expect([1n, 4n, 5n].map((id) => store.has('a', id))).toEqual([false, true, true]);
    expect(store.evictedEarly).toBe(0);
  });

  it('keeps the newest of each provider, whose job may come at any moment', async () => {
    const store = await open();
    await store.keep([]);
    await store.put('a', 1n, body);
    await store.put('b', 1n, body);
    now += 10 * TEMPLATE_LIFETIME_MS;
    await store.put('b', 2n, body);
    await store.keep([]);
    expect(store.has('a', 1n)).toBe(true);
    expect(store.has('b', 2n)).toBe(true);
    expect(store.newestId('b')).toBe(2n);
  });

  it('lets nothing expire before it knows what miners work on, after a restart too', async () => {
    await (await open()).put('a', 1n, body);
    now += 10 * TEMPLATE_LIFETIME_MS;
    const store = await open();
    await store.put('a', 2n, body);
    await store.put('a', 3n, body);
    expect(store.count).toBe(3);
    now += 10 * TEMPLATE_LIFETIME_MS;
    await store.keep([{ provider: 'a', templateId: 1n }]);
    expect(store.count).toBe(3);
    now += TEMPLATE_LIFETIME_MS + 1;
    await store.keep([{ provider: 'a', templateId: 1n }]);
    expect([1n, 2n, 3n].map((id) => store.has('a', id))).toEqual([true, false, true]);
  });

  it('drops the oldest at its bound, counts it, and never what miners work on or the newest', async () => {
    const store = await open(2_500);
    await store.put('a', 1n, body);
    await store.keep([{ provider: 'a', templateId: 1n }]);
    for (const id of [2n, 3n]) await store.put('a', id, body);
    expect([1n, 2n, 3n].map((id) => store.has('a', id))).toEqual([true, false, true]);
    expect(store.evictedEarly).toBe(1);
    expect(store.bytes).toBe(2_000);
    await store.put('a', 4n, new Uint8Array(5_000));
    expect([1n, 3n, 4n].map((id) => store.has('a', id))).toEqual([true, false, true]);
  });

  it('holds in memory what the disk does not take, and writes it when it takes it again', async () => {
    const store = await open();
    await store.put('a', 1n, body);
    renameSync(directory, `${directory}-away`);
    expect(await store.put('a', 2n, body)).toBeInstanceOf(Error);
    expect(await store.get('a', 2n)).toEqual(body);
    expect([store.inMemory, store.writeFailures]).toEqual([1, 1]);
    renameSync(`${directory}-away`, directory);
    expect(await store.put('a', 3n, body)).toBeUndefined();
    expect(store.inMemory).toBe(0);
    expect(await (await open()).get('a', 2n)).toEqual(Buffer.from(body));
  });

  it('holds a bounded number of bodies in memory, the newest of them', async () => {
    const store = await open();
    renameSync(directory, `${directory}-away`);
    for (let id = 1n; id <= 20n; id += 1n) await store.put('a', id, body);
    expect(store.inMemory).toBe(MEMORY_BODIES_BOUND);
    expect(store.has('a', 20n)).toBe(true);
    expect(store.evictedEarly).toBe(20 - MEMORY_BODIES_BOUND);
    renameSync(`${directory}-away`, directory);
  });

  it('makes its folder, and says when it cannot', async () => {
    const deep = new TemplateStore({ directory: join(directory, 'a/b/c'), maxBytes: 1 }, { now: () => now });
    await deep.load();
    await deep.load();
    const nowhere = new TemplateStore({ directory: '/proc/nope/templates', maxBytes: 1 }, { now: () => now });
    await expect(nowhere.load()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is not led out of its folder by the name of a provider', async () => {
    await (await open()).put('../../x', 1n, body);
    expect(readdirSync(directory)).toHaveLength(1);
  });
});

describe('template body', () => {
  const transactions = [
    { data: new Uint8Array([1, 2, 3]) },
    { data: new Uint8Array(0) },
    { data: new Uint8Array(300).fill(4) },
  ];

  it('round trips', () => {
    expect(decodeTemplateBody(encodeTemplateBody(transactions))).toEqual(transactions.map(({ data }) => data));
    expect(decodeTemplateBody(encodeTemplateBody([]))).toEqual([]);
  });

  it('refuses every cut, a longer tail and another version', () => {
    const body = encodeTemplateBody(transactions);
    for (let length = 0; length < body.length; length += 1) {
      expect(decodeTemplateBody(body.subarray(0, length))).toBeUndefined();
    }
    expect(decodeTemplateBody(new Uint8Array([...body, 0]))).toBeUndefined();
    expect(decodeTemplateBody(new Uint8Array([2, ...body.subarray(1)]))).toBeUndefined();
  });
});
