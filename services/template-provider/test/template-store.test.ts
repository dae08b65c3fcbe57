import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeTemplateBody, encodeTemplateBody } from '../src/template-body.ts';
import { TEMPLATE_LIFETIME_MS, TemplateStore } from '../src/template-store.ts';

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

  it('keeps a body for its life and no longer', async () => {
    const store = await open();
    await store.put('a', 1n, body);
    now += TEMPLATE_LIFETIME_MS - 1;
    await store.put('a', 2n, body);
    expect(store.count).toBe(2);
    now += 2;
    await store.put('a', 3n, body);
    expect(store.has('a', 1n)).toBe(false);
    expect(store.evictedEarly).toBe(0);
  });

  it('drops the oldest at its bound, counts it, and always keeps the newest', async () => {
    const store = await open(2_500);
    for (const id of [1n, 2n, 3n]) await store.put('a', id, body);
    expect([1n, 2n, 3n].map((id) => store.has('a', id))).toEqual([false, true, true]);
    expect(store.evictedEarly).toBe(1);
    expect(store.bytes).toBe(2_000);
    await store.put('a', 4n, new Uint8Array(5_000));
    expect(store.count).toBe(1);
    expect(store.has('a', 4n)).toBe(true);
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
