// docs/flows/*.md name files, functions and error codes: each of them must exist, so that the pages cannot go stale.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = globSync('docs/flows/*.md', { cwd: root }).sort();

describe('docs/flows', () => {
  it('has the pages of a share, a template and a connection', () => {
    expect(pages).toEqual(
      expect.arrayContaining(['docs/flows/connection.md', 'docs/flows/share.md', 'docs/flows/template.md']),
    );
  });

  it.each(pages)('%s names files that exist', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const files = [...text.matchAll(/`((?:packages|services|cli|test|docs)\/[\w./-]+\.\w+)`?/g)].map(
      (match) => match[1] ?? '',
    );
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it.each(pages)('%s names functions that stand in the file named before them', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const wrong: string[] = [];
    let source = '';
    for (const match of text.matchAll(/`((?:packages|services|cli)\/[\w./-]+\.ts)`|`([A-Za-z_]\w*(?:\.\w+)?)\(\)`/g)) {
      if (match[1] !== undefined) source = readFileSync(join(root, match[1]), 'utf8');
      else if (match[2] !== undefined) {
        const name = match[2].split('.').at(-1) ?? '';
        if (!new RegExp(`\\b${name}\\b`).test(source)) wrong.push(match[2]);
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each(pages)('%s names wire error codes that are declared', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const declared = readFileSync(join(root, 'packages/sv2/src/error-codes.ts'), 'utf8');
    const codes = [...text.matchAll(/\[([a-z]+(?:-[a-z]+)+)\]/g)].map((match) => match[1] ?? '');
    expect(codes.filter((code) => !declared.includes(`'${code}'`))).toEqual([]);
  });
});
