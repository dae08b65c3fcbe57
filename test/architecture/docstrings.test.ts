// Every exported symbol of a pure package says what it is: shapes, units, byte order, errors, source.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const packages = ['wasm-writer', 'bitcoin', 'sv2', 'sv1', 'noise', 'mining'];

const EXPORT = /^export (?:async |abstract )?(?:function\*?|const|class|interface|type) (\w+)/;
/** A declared message carries its documentation as a value. */
const MESSAGE = /^export const \w+ = message\(\{/;

/** Names of exported symbols, and of those without a comment above them. The type of a value by the same name needs none of its own. */
function exportsOf(text: string): { readonly all: string[]; readonly bare: string[] } {
  const lines = text.split('\n');
  const all: string[] = [];
  const bare: string[] = [];
  for (const [index, line] of lines.entries()) {
    const name = EXPORT.exec(line)?.[1];
    if (name === undefined) continue;
    const ofValue = line.startsWith('export type') && all.includes(name);
    all.push(name);
    const above = lines.slice(0, index).findLast((other) => !other.startsWith('// biome-ignore')) ?? '';
    if (!above.trimEnd().endsWith('*/') && !MESSAGE.test(line) && !ofValue) bare.push(name);
  }
  return { all, bare };
}

describe('docstrings', () => {
  it('are told from their absence', () => {
    const text = [
      ...[
        '/** One. */',
        'export const ONE = 1;',
        'export function two() {}',
        '/** Three. */',
        '// biome-ignore lint: why',
      ],
      ...['export type Three = 3;', 'export const Four = message({', 'export type Four = MessageOf<typeof Four>;'],
      'export type Five = MessageOf<typeof Four>;',
    ].join('\n');
    expect(exportsOf(text)).toEqual({
      all: ['ONE', 'two', 'Three', 'Four', 'Four', 'Five'],
      bare: ['two', 'Five'],
    });
  });

  it.each(packages)('stand over every exported symbol of packages/%s', (name) => {
    const files = globSync(`packages/${name}/src/**/*.ts`, { cwd: root }).sort();
    const found = files.map((file) => ({ file, ...exportsOf(readFileSync(join(root, file), 'utf8')) }));
    expect(found.flatMap(({ all }) => all).length).toBeGreaterThan(10);
    expect(found.flatMap(({ file, bare }) => bare.map((symbol) => `${file}: ${symbol}`))).toEqual([]);
  });
});
