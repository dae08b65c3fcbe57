// `npm run check`: format, lint, types, architecture, dead code and documents, each with one line of outcome.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules/.bin', name);

const steps: readonly (readonly [name: string, command: string, args: readonly string[]])[] = [
  ['format and lint', bin('biome'), ['check', '--error-on-warnings', '.']],
  ['types', bin('tsc'), ['-p', 'tsconfig.json']],
  ['architecture and documents', bin('vitest'), ['run', '--project', 'unit', 'test/architecture']],
  ['dead code', bin('knip'), []],
  ['generated resource definitions', process.execPath, ['scripts/crds.ts', '--check']],
  ['generated dashboards', process.execPath, ['scripts/dashboards.ts', '--check']],
  ['generated reference', process.execPath, ['scripts/docs.ts', '--check']],
];

let failures = 0;
for (const [name, command, args] of steps) {
  const started = performance.now();
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (result.status === 0) {
    console.log(`ok      ${name} (${seconds} s)`);
  } else {
    failures += 1;
    console.log(`FAILED  ${name} (${seconds} s)\n${result.stdout}${result.stderr}`);
  }
}
process.exitCode = failures === 0 ? 0 : 1;
