// `npm run bench [-- <filter>] [--check]`: runs every `bench/*.bench.ts` of the workspaces in a process of its own, one after the other.
// With --check they compare what they would time, and time nothing.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true });
const [filter = ''] = positionals;
const args = values.check === true ? ['--check'] : [];
const files = globSync('{packages,services}/*/bench/*.bench.ts', { cwd: root })
  .filter((file) => file.includes(filter))
  .sort();

if (files.length === 0) {
  console.error(`no bench matches "${filter}"`);
  process.exit(2);
}
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`);
let failed = false;
for (const file of files) {
  console.log(`\n# ${file}`);
  const { status } = spawnSync(process.execPath, ['--expose-gc', file, ...args], { cwd: root, stdio: 'inherit' });
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
