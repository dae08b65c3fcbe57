// The import rules of docs/architecture.md, read from the import lines of every source file.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Which workspaces of ours each folder may import. A folder that is not listed may import all of them. */
const allowed: Record<string, readonly string[]> = {
  'packages/bitcoin': [],
  'packages/sv2': [],
  'packages/noise': [],
  'packages/runtime': [],
  'packages/mining': ['bitcoin', 'sv2'],
  'packages/bus': ['runtime', 'sv2'],
  'packages/server': ['noise', 'runtime', 'sv2'],
  services: ['bitcoin', 'sv2', 'noise', 'mining', 'bus', 'runtime', 'server'],
};

const pure = ['packages/bitcoin', 'packages/sv2', 'packages/noise', 'packages/mining'];

/** Clock, randomness and the outside world reach a pure package as arguments only. */
const impure = [
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bperformance\.now\b/,
  /\bMath\.random\b/,
  /\brandomBytes\b/,
  /\bgetRandomValues\b/,
  /\bset(?:Timeout|Interval|Immediate)\b/,
  /\bprocess\./,
  /\bconsole\./,
];

interface Source {
  readonly file: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sources(pattern: string): Source[] {
  return globSync(pattern, { cwd: root })
    .sort()
    .map((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      const imports = [...text.matchAll(/(?:from|import\()\s*'([^']+)'|^import\s+'([^']+)'/gm)].map(
        (match) => match[1] ?? match[2] ?? '',
      );
      return { file, text, imports };
    });
}

/** Code without comments and strings' worth of prose: a rule in a comment is no use of it. */
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');

describe('imports', () => {
  const all = sources('{packages,services}/*/src/**/*.ts');

  it('has something to check', () => {
    expect(all.length).toBeGreaterThan(50);
  });

  it('follow the direction of the workspaces', () => {
    const broken = all.flatMap(({ file, imports }) => {
      const [top = '', name = ''] = file.split('/');
      const rule = allowed[`${top}/${name}`] ?? allowed[top] ?? [];
      return imports
        .map((specifier) => /^@sluice\/([^/]+)/.exec(specifier)?.[1])
        .filter((target) => target !== undefined && target !== name && !rule.includes(target))
        .map((target) => `${file} imports @sluice/${target}`);
    });
    expect(broken).toEqual([]);
  });

  it('never leave their workspace by a relative path', () => {
    const broken = all.flatMap(({ file, imports }) => {
      const home = file.split('/').slice(0, 3).join('/');
      return imports
        .filter((specifier) => specifier.startsWith('.'))
        .filter((specifier) => !join(file, '..', specifier).startsWith(home))
        .map((specifier) => `${file} imports ${specifier}`);
    });
    expect(broken).toEqual([]);
  });

  it('bring no platform into a pure package', () => {
    const broken = all
      .filter(({ file }) => pure.some((folder) => file.startsWith(`${folder}/`)))
      .flatMap(({ file, text, imports }) => [
        ...imports.filter((specifier) => specifier.startsWith('node:')).map((name) => `${file} imports ${name}`),
        ...impure.filter((rule) => rule.test(withoutComments(text))).map((rule) => `${file} uses ${rule.source}`),
      ]);
    expect(broken).toEqual([]);
  });

  it('never reach into a test from a source', () => {
    const broken = all.flatMap(({ file, imports }) =>
      imports.filter((name) => /@sluice\/test-suites|\/test\//.test(name)).map((name) => `${file} imports ${name}`),
    );
    expect(broken).toEqual([]);
  });
});

describe('structure', () => {
  it('keeps each composition root within a screen and a half', () => {
    const long = sources('services/*/src/main.ts')
      .map(({ file, text }) => ({ file, lines: text.split('\n').length }))
      .filter(({ lines }) => lines > 75);
    expect(long).toEqual([]);
  });

  it('has no barrel and no catch-all file', () => {
    const names = sources('{packages,services,cli,operator}/**/src/**/*.ts').map(({ file }) => file);
    expect(names.filter((file) => /\/(index|utils?|helpers?|common|misc)\.ts$/.test(file))).toEqual([]);
  });

  it('has a page for each service with the same five headings', () => {
    const headings = ['Receives', 'Sends', 'State it owns', 'What happens on failure', 'Metrics'];
    const missing = globSync('services/*/src/main.ts', { cwd: root }).flatMap((main) => {
      const readme = main.replace('src/main.ts', 'README.md');
      const text = readFileSync(join(root, readme), 'utf8');
      return headings.filter((heading) => !text.includes(`## ${heading}`)).map((heading) => `${readme}: ${heading}`);
    });
    expect(missing).toEqual([]);
  });
});
