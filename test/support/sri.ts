// The peer on the reference implementation's crates (test/peers/sri): built once into the cache, outside of the clone,
// so that cargo leaves neither a lock file nor a target folder here.
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { cacheDirectory } from './cache.ts';
import { withMachineLock } from './machine-lock.ts';
import { run } from './run.ts';

const crate = join(import.meta.dirname, '../peers/sri');

/** Why the peer cannot be built here, in one line for a skipped test; undefined when it can. */
export function whyNoSriPeer(): string | undefined {
  const cargo = (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, 'cargo')));
  return cargo ? undefined : 'the SRI peer needs cargo on PATH';
}

/** Path of the peer's program; builds it when this version of its sources was not built before. */
export async function buildSriPeer(): Promise<string> {
  const files = ['Cargo.toml', ...globSync('src/**/*.rs', { cwd: crate }).sort()];
  const recipe = files.map((file) => `${file}\n${readFileSync(join(crate, file), 'utf8')}`).join('\n');
  const directory = cacheDirectory('sri-peer', recipe);
  const program = join(directory, 'sri-peer');
  if (!existsSync(program))
    await withMachineLock(directory, async () => {
      if (!existsSync(program)) await build(directory, files, program);
    });
  return program;
}

async function build(directory: string, files: readonly string[], program: string): Promise<void> {
  console.log('building the peer on the crates of SRI once for this machine: some minutes');
  for (const file of files) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    copyFileSync(join(crate, file), join(directory, file));
  }
  // Dependencies are kept over changes of our own sources.
  const target = cacheDirectory('sri-peer-target', readFileSync(join(crate, 'Cargo.toml'), 'utf8'));
  await run('nice', ['-n', '10', 'cargo', 'build', '--release', '--jobs', '2', '--target-dir', target], {
    cwd: directory,
  });
  copyFileSync(join(target, 'release/sri-peer'), `${program}.new`);
  renameSync(`${program}.new`, program);
}
