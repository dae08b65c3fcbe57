// `npm run docs` writes docs/reference/*.md from the declarations in the code; with `--check` it writes nothing and fails
// where a page differs from them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderConfig } from './docs/config.ts';
import { renderErrors } from './docs/errors.ts';
import { renderMessages } from './docs/messages.ts';
import { renderMetrics } from './docs/metrics.ts';
import { renderSubjects } from './docs/subjects.ts';

const directory = join(import.meta.dirname, '../docs/reference');
const checkOnly = process.argv.includes('--check');

const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  'config.md': renderConfig,
  'errors.md': renderErrors,
  'messages.md': renderMessages,
  'metrics.md': renderMetrics,
  'subjects.md': renderSubjects,
};

function written(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

let stale = 0;
mkdirSync(directory, { recursive: true });
for (const [name, render] of Object.entries(pages)) {
  const file = join(directory, name);
  const text = await render();
  if (written(file) === text) continue;
  if (!checkOnly) {
    writeFileSync(file, text);
    console.log(`wrote docs/reference/${name}`);
    continue;
  }
  stale += 1;
  console.log(`docs/reference/${name} differs from the code: run npm run docs`);
}
process.exitCode = stale === 0 ? 0 : 1;
