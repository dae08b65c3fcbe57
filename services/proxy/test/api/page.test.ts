import { describe, expect, it } from 'vitest';
import { MAX_LIMIT, pageOf, readPage } from '../../src/api/page.ts';

const read = (query: string) => readPage(new URLSearchParams(query));
const items = [1, 2, 4, 7, 8].map((id) => ({ id }));

describe('pages', () => {
  it('go through a list once, while items leave it and come to it', () => {
    const first = pageOf(items, { limit: 2, after: 0 });
    expect(first).toEqual({ items: [{ id: 1 }, { id: 2 }], next: '2' });
    const changed = [{ id: 1 }, { id: 7 }, { id: 8 }, { id: 9 }];
    const second = pageOf(changed, { limit: 2, after: Number(first.next) });
    expect(second).toEqual({ items: [{ id: 7 }, { id: 8 }], next: '8' });
    expect(pageOf(changed, { limit: 2, after: 8 })).toEqual({ items: [{ id: 9 }], next: null });
  });

  it('have no next one behind the end', () => {
    expect(pageOf(items, { limit: 5, after: 0 }).next).toBeNull();
    expect(pageOf([], { limit: 5, after: 0 })).toEqual({ items: [], next: null });
  });

  it('are read from a question, within their bound', () => {
    expect(read('')).toEqual({ limit: 100, after: 0 });
    expect(read('limit=7&cursor=12')).toEqual({ limit: 7, after: 12 });
    for (const limit of ['0', '-1', '1.5', 'all', '', String(MAX_LIMIT + 1)])
      expect(read(`limit=${limit}`)).toContain('limit: an integer');
    for (const cursor of ['-1', 'x', '9'.repeat(16)]) expect(read(`cursor=${cursor}`)).toContain('cursor:');
  });
});
