// Files that are generated and committed: written, or with `--check` compared with what they would be.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const checkOnly = process.argv.includes('--check');

/** @param files text by path from the root of the repository @param command what brings them up to date */
export function writeGenerated(files: Readonly<Record<string, string>>, command: string): void {
  for (const [path, text] of Object.entries(files)) {
    if (written(path) === text) continue;
    if (checkOnly) {
      console.log(`${path} differs from its source: run ${command}`);
      process.exitCode = 1;
    } else {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
      console.log(`wrote ${path}`);
    }
  }
}

function written(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
}
