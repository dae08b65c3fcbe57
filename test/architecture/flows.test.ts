// docs/flows/*.md name files, functions and error codes: each of them must exist, so that the pages cannot go stale.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = globSync('docs/flows/*.md', { cwd: root }).sort();

/** Whether the source defines a function or method of this name, private ones too; a call or a declaration without a body is none. */
function defines(source: string, name: string): boolean {
  const generics = '(?:<[^\\n(]*>)?';
  const result = '(?:\\s*:[^;{}]*(?:\\{[^{}]*\\}[^;{}]*)?)?';
  const definitions = [
    `\\bfunction\\*?\\s+${name}${generics}\\(`,
    `\\b(?:const|readonly)\\s+#?${name}\\s*(?::[^=\\n]+(?:=>[^=\\n]+)?)?=\\s*(?:async\\s*)?(?:${generics}\\(|\\w+\\s*=>)`,
    `^\\s+(?:(?:static|async|override|get|\\*)\\s+)*#?${name}${generics}\\([^;]*?\\)${result}\\s*\\{`,
  ];
  return definitions.some((definition) => new RegExp(definition, 'm').test(source));
}

/** Codes at the edges of a drawing: what stands to the left of an arrow that leaves the way. */
function codesOfDrawings(text: string): string[] {
  const drawings = [...text.matchAll(/```\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  return drawings
    .flatMap((drawing) => drawing.split('\n'))
    .filter((line) => line.includes('◀─'))
    .flatMap((line) => (line.split('◀')[0] ?? '').match(/[a-z]+(?:-[a-z]+)*/g) ?? []);
}

describe('docs/flows', () => {
  it('tells a definition from a use', () => {
    const source = [
      'export function plain(a: number): void {}',
      'export async function* generating<T>(a: T) {}',
      'const arrow = (a: number): number => a;',
      'class Some {',
      '  readonly #held = async () => {};',
      '  async #method<T>(a: { readonly b: T }): Promise<{ c: T }> {',
      '    called(a);',
      '    this.#viaThis(a);',
      '    other.chained(() => {});',
      '  }',
      '}',
      'interface Declared { declared(a: number): void; }',
      '// mentioned()',
    ].join('\n');
    const all = ['plain', 'generating', 'arrow', 'held', 'method'];
    expect(all.filter((name) => !defines(source, name))).toEqual([]);
    const none = ['called', 'viaThis', 'chained', 'declared', 'mentioned', 'absent'];
    expect(none.filter((name) => defines(source, name))).toEqual([]);
  });

  it('has the pages of a share, a template and a connection', () => {
    expect(pages).toEqual(
      expect.arrayContaining(['docs/flows/connection.md', 'docs/flows/share.md', 'docs/flows/template.md']),
    );
  });

  it.each(pages)('%s names files that exist', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const files = [...text.matchAll(/`((?:packages|services|operator|cli|test|docs)\/[\w./-]+\.\w+)`?/g)].map(
      (match) => match[1] ?? '',
    );
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it.each(pages)('%s names functions that the file named before them defines', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const wrong: string[] = [];
    let source = '';
    for (const match of text.matchAll(
      /`((?:packages|services|operator|cli)\/[\w./-]+\.ts)`|`([A-Za-z_]\w*(?:\.\w+)?)\(\)`/g,
    )) {
      if (match[1] !== undefined) source = readFileSync(join(root, match[1]), 'utf8');
      else if (match[2] !== undefined) {
        const name = match[2].split('.').at(-1) ?? '';
        if (!defines(source, name)) wrong.push(match[2]);
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

  it('names codes in drawings that the sources have', () => {
    const sources = globSync('{packages,services}/*/src/**/*.ts', { cwd: root }).map((file) =>
      readFileSync(join(root, file), 'utf8'),
    );
    const codes = pages.flatMap((page) => codesOfDrawings(readFileSync(join(root, page), 'utf8')));
    expect(codes.length).toBeGreaterThan(0);
    expect(codes.filter((code) => !sources.some((source) => source.includes(`'${code}'`)))).toEqual([]);
  });
});
