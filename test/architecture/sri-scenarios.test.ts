// The table of SRI's scenarios in docs/interoperability.md claims no test that is not there, and leaves none unclaimed.
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const page = 'docs/interoperability.md';

interface Row {
  readonly file: string;
  readonly scenario: string;
  /** Path of our test file, from the root; undefined: the row says why there is none. */
  readonly test: string | undefined;
  readonly cell: string;
}

/** A table row is told by its first cell, a Rust file. */
function rowsOf(text: string): readonly Row[] {
  return [...text.matchAll(/^\| `(\w+\.rs)` \| `(\w+)` \| (.+) \|$/gm)].map(
    ([, file = '', scenario = '', cell = '']) => {
      const target = /^\[[^\]]+\]\(([^)]+)\)/.exec(cell)?.[1];
      const test = target === undefined ? undefined : relative(root, join(root, 'docs', target));
      return { file, scenario, test, cell };
    },
  );
}

/** Whether a string of the file begins with the name, or with several of them: the title of a test, or a row of its table. */
function hasTest(text: string, scenario: string): boolean {
  const code = text.replace(/^\s*(\/\/|\/?\*).*$/gm, '');
  return new RegExp(`['"\`](?:\\w+, )*${scenario}(?=['"\`:,])`).test(code);
}

describe("the table of SRI's scenarios", () => {
  const rows = rowsOf(readFileSync(join(root, page), 'utf8'));
  const tests = globSync('{test,packages,services,cli}/**/*.test.ts', { cwd: root })
    .filter((path) => !path.includes('node_modules'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

  it('is read, and a test is told from its mention', () => {
    expect(rowsOf('| `a.rs` | `b_c` | [x](../test/x.test.ts) |\n| `a.rs` | `d` | pending: why |')).toEqual([
      { file: 'a.rs', scenario: 'b_c', test: 'test/x.test.ts', cell: '[x](../test/x.test.ts)' },
      { file: 'a.rs', scenario: 'd', test: undefined, cell: 'pending: why' },
    ]);
    for (const title of ["test('b_c', ", "test('b_c: more', ", "it('a, b_c, d', ", "  ['b_c', 1],"])
      expect(hasTest(title, 'b_c')).toBe(true);
    for (const text of ["// test('b_c', ", "test('b_c_d', ", "test('as b_c', ", "test('a_b_c', "])
      expect(hasTest(text, 'b_c')).toBe(false);
  });

  it('has each scenario once, with a test or with why there is none', () => {
    expect(rows.length).toBeGreaterThan(90);
    expect(new Set(rows.map(({ file, scenario }) => `${file} ${scenario}`)).size).toBe(rows.length);
    const unclear = rows.filter(({ test, cell }) => test === undefined && !/^(pending|not applicable): \S/.test(cell));
    expect(unclear).toEqual([]);
  });

  it('claims tests that are there', () => {
    const claims = rows.filter(({ test }) => test !== undefined);
    expect(claims.length).toBeGreaterThan(30);
    const broken = claims.filter(({ test, scenario }) => {
      const text = tests.find(({ path }) => path === test)?.text;
      return text === undefined || !hasTest(text, scenario);
    });
    expect(broken.map(({ scenario, test }) => `${scenario} in ${test}`)).toEqual([]);
  });

  it('claims every test that has the name of a scenario', () => {
    const unclaimed = rows
      .filter(({ test }) => test === undefined)
      .flatMap(({ scenario }) =>
        tests.filter(({ text }) => hasTest(text, scenario)).map(({ path }) => `${scenario}: ${path}`),
      );
    expect(unclaimed).toEqual([]);
  });
});
