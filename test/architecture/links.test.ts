// Every relative link of a page leads to a file that exists, and every `npm run` command that a page names is there to be run.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = globSync(['*.md', 'docs/**/*.md', '{crds,operator}/*.md', '{packages,services}/*/*.md', 'test/**/*.md'], {
  cwd: root,
})
  .filter((page) => !page.includes('node_modules'))
  .sort();

describe('pages', () => {
  it('are there to be checked', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/architecture.md', 'services/miner/README.md']));
  });

  it.each(pages)('%s links to files that exist', (page) => {
    // A pattern in code may look like a link.
    const text = readFileSync(join(root, page), 'utf8').replaceAll(/`[^`\n]*`/g, '');
    const targets = [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
    const broken = targets
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(join(root, dirname(page), target)));
    expect(broken).toEqual([]);
  });

  it.each(pages)('%s names scripts that exist', (page) => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const text = readFileSync(join(root, page), 'utf8');
    const named = [...text.matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
