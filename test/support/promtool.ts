// Prometheus' own checker of rules and expressions, from Debian's package: unpacked into the cache, so that no server of it is installed.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache.ts';
import { onPath } from './debian-packages.ts';
import { run } from './run.ts';

/** Why there is none here, in one line for a skipped test; undefined when there is one, or can be. */
export const whyNoPromtool = (): string | undefined =>
  onPath('promtool') || (onPath('apt-get') && onPath('dpkg'))
    ? undefined
    : 'alerts and dashboards are not checked: promtool on PATH, or a machine with apt-get';

async function unpacked(): Promise<string> {
  const directory = cacheDirectory('promtool', 'prometheus');
  const program = join(directory, 'root/usr/bin/promtool');
  if (existsSync(join(directory, 'complete'))) return program;
  const packages = join(directory, 'packages');
  rmSync(packages, { recursive: true, force: true });
  mkdirSync(packages);
  const options = ['-o', 'APT::Sandbox::User=root', '-qq'];
  // The lists of a new machine are empty.
  await run('apt-get', [...options, 'download', 'prometheus'], { cwd: packages }).catch(async () => {
    await run('apt-get', [...options, '-o', 'DPkg::Lock::Timeout=300', 'update']);
    await run('apt-get', [...options, 'download', 'prometheus'], { cwd: packages });
  });
  for (const file of readdirSync(packages)) await run('dpkg', ['-x', join(packages, file), join(directory, 'root')]);
  rmSync(packages, { recursive: true });
  writeFileSync(join(directory, 'complete'), '');
  return program;
}

/** Resolves with what it prints. @throws Error with the same where it finds fault */
export async function promtool(...args: readonly string[]): Promise<string> {
  return run(onPath('promtool') ? 'promtool' : await unpacked(), args);
}
