// Debian's packages on the machine itself, for suites that need a program which is on few of them.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './run.ts';

export const onPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)));

/** Whether this is root on a machine that has them. */
export const mayInstall = (): boolean => process.getuid?.() === 0 && onPath('apt-get');

/** @throws Error that says what to install, where this may not. */
export async function installPackages(...names: readonly string[]): Promise<void> {
  if (!mayInstall()) throw new Error(`apt-get install ${names.join(' ')}, as root`);
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  await run('apt-get', [...wait, 'update', '-qq']);
  await run('apt-get', [...wait, 'install', '-y', '-qq', '--no-install-recommends', ...names]);
}
