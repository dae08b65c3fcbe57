// The import rules of docs/architecture.md, read from the import lines of every source file.
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Which workspaces of ours each folder may import; `cli`, which is not listed, composes all of them. */
const allowed: Record<string, readonly string[]> = {
  'packages/wasm-writer': [],
  'packages/bitcoin': ['wasm-writer'],
  'packages/sv2': [],
  'packages/sv1': ['bitcoin', 'sv2'],
  'packages/noise': ['wasm-writer'],
  'packages/runtime': [],
  'packages/mining': ['bitcoin', 'sv2'],
  'packages/bus': ['runtime', 'sv2'],
  'packages/client': ['noise', 'runtime', 'sv2'],
  'packages/server': ['noise', 'runtime', 'sv2'],
  operator: ['bus', 'noise', 'runtime'],
  services: ['wasm-writer', 'bitcoin', 'sv2', 'sv1', 'noise', 'mining', 'bus', 'runtime', 'client', 'server'],
};

/** The pure packages, and the packages of others that each may import: arithmetic alone. */
const pure: Record<string, readonly string[]> = {
  'packages/wasm-writer': [],
  'packages/bitcoin': ['@chainsafe/as-sha256', '@noble/hashes', '@scure/btc-signer'],
  'packages/sv2': [],
  'packages/sv1': ['@noble/hashes'],
  'packages/noise': [
    '@chainsafe/as-chacha20poly1305',
    '@chainsafe/as-sha256',
    '@noble/ciphers',
    '@noble/curves',
    '@noble/hashes',
    '@scure/base',
    '@scure/btc-signer',
  ],
  'packages/mining': [],
};

/** Clock, randomness and the outside world reach a pure package as arguments only. */
const impure = [
  /\bDate\b/,
  /\bperformance\b/,
  /\bMath\.random\b/,
  /\brandomBytes\b/,
  /\bcrypto\b/,
  /\bgetRandomValues\b/,
  /\bset(?:Timeout|Interval|Immediate)\b/,
  /\bprocess\./,
  /\bconsole\./,
  /\bfetch\b/,
  /\b(?:WebSocket|EventSource|XMLHttpRequest|BroadcastChannel|Worker)\b/,
  /\bglobalThis\b/,
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
      return { file, text, imports: importsOf(text) };
    });
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import\(|require\()\s*['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]/gm)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
}

const isOurs = (specifier: string) => specifier.startsWith('.') || specifier.startsWith('@sluice/');

/** Name of the npm package of an import that is neither ours nor the platform's. */
function npmPackage(specifier: string): string | undefined {
  if (isOurs(specifier) || isBuiltin(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** What a text uses that a pure package with these dependencies may not. */
function impurities(text: string, dependencies: readonly string[]): string[] {
  const code = withoutComments(text);
  const isForeign = (specifier: string) => {
    const name = npmPackage(specifier);
    return isBuiltin(specifier) || (name !== undefined && !dependencies.includes(name));
  };
  return [...importsOf(text).filter(isForeign), ...impure.filter((rule) => rule.test(code)).map((rule) => rule.source)];
}

/** Code without comments and strings' worth of prose: a rule in a comment is no use of it. */
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');

describe('imports', () => {
  const all = sources('{packages/*,services/*,operator,cli}/src/**/*.ts');

  it('has something to check', () => {
    expect(all.length).toBeGreaterThan(50);
  });

  it('follow the direction of the workspaces', () => {
    const broken = all.flatMap(({ file, imports }) => {
      const [top = '', name = ''] = file.split('/');
      if (top === 'cli') return [];
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
      const home = file.slice(0, file.indexOf('/src/') + '/src/'.length);
      return imports
        .filter((specifier) => specifier.startsWith('.'))
        .filter((specifier) => !join(file, '..', specifier).startsWith(home))
        .map((specifier) => `${file} imports ${specifier}`);
    });
    expect(broken).toEqual([]);
  });

  it('name the modules of the platform as such', () => {
    const broken = all.flatMap(({ file, imports }) =>
      imports
        .filter((specifier) => isBuiltin(specifier) && !specifier.startsWith('node:'))
        .map((specifier) => `${file} imports ${specifier}`),
    );
    expect(broken).toEqual([]);
  });

  it('bring no platform into a pure package, and no package that is not on its list', () => {
    const broken = Object.entries(pure).flatMap(([folder, dependencies]) =>
      all
        .filter(({ file }) => file.startsWith(`${folder}/`))
        .flatMap(({ file, text }) => impurities(text, dependencies).map((what) => `${file}: ${what}`)),
    );
    expect(broken).toEqual([]);
  });

  it.each([
    "import { readFile } from 'node:fs/promises';",
    "import fs from 'fs';",
    "import 'net';",
    "const os = await import('os');",
    "const os = require('os');",
    "import { x } from '@noble/ciphers/chacha.js';",
    "import { x } from 'left-pad';",
    'const now = Date.now();',
    'const now = new Date();',
    'const nonce = Math.random();',
    'const answer = await fetch(url);',
    'const socket = new WebSocket(url);',
    "crypto.subtle.digest('SHA-256', bytes);",
  ])('know this as impure: %s', (line) => {
    expect(impurities(line, ['@noble/hashes'])).not.toEqual([]);
  });

  it('know what is pure', () => {
    const lines = [
      "import { sha256 } from '@noble/hashes/sha2.js';",
      "import { target } from '@sluice/bitcoin/target';",
      "import { job } from './job.ts';",
      '// Date.now() and fetch() are for others',
    ];
    expect(impurities(lines.join('\n'), ['@noble/hashes'])).toEqual([]);
  });

  it('lead from the command to services, and never back, and the command brings no package of its own', () => {
    const ofCli = all.filter(({ file }) => file.startsWith('cli/'));
    const npm = ofCli.flatMap(({ file, imports }) =>
      imports.filter((specifier) => npmPackage(specifier) !== undefined).map((name) => `${file} imports ${name}`),
    );
    const back = all.flatMap(({ file, imports }) =>
      imports.filter((name) => /^(@sluice\/cli|sluice)(\/|$)/.test(name)).map((name) => `${file} imports ${name}`),
    );
    expect(ofCli.length).toBeGreaterThan(5);
    expect([...npm, ...back]).toEqual([]);
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
