// Where the suites keep what they built or unpacked: outside the clone, keyed by version and recipe, so that a second run is quick.
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const cacheRoot = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice');

/** A folder of the cache for one part; `recipe` is anything whose change must lead to a new build. */
export function cacheDirectory(part: string, recipe: string): string {
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const directory = join(cacheRoot, `${part}-${key}`);
  mkdirSync(directory, { recursive: true });
  return directory;
}
