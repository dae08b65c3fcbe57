// The reference implementation's own programs, from its published crates: built once into the cache, outside of the clone, in one target
// folder, because they share most of their dependencies. Their crates compile Cap'n Proto schemas, which takes two Debian packages; as
// root they are installed here.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache.ts';
import { installPackages, mayInstall, onPath } from './debian-packages.ts';
import { withMachineLock } from './machine-lock.ts';
import { run } from './run.ts';

/** Crate and version of each, and what it takes to build it first, in minutes of CPU time. */
const programs = {
  mining_device: { crate: 'integration_tests_sv2@0.6.0', minutes: 14 },
  pool_sv2: { crate: 'pool_sv2@0.7.0', minutes: 9 },
  translator_sv2: { crate: 'translator_sv2@0.6.0', minutes: 9 },
  jd_client_sv2: { crate: 'jd_client_sv2@0.6.0', minutes: 9 },
} as const;
export type SriProgram = keyof typeof programs;
export const sriPrograms = Object.keys(programs) as readonly SriProgram[];

/** Some watchers of a build end it when it says nothing for long. */
const PROGRESS_MS = 60_000;

const compilerPackages = ['capnproto', 'libcapnp-dev'];

/** The compiler alone is not enough: schemas include its own. */
const hasSchemaCompiler = () => onPath('capnp') && existsSync('/usr/include/capnp/c++.capnp');

const rootOf = (name: SriProgram) => cacheDirectory(`sri-${name.replaceAll('_', '-')}`, programs[name].crate);
const pathOf = (name: SriProgram) => join(rootOf(name), 'bin', name);

/** Why it cannot be built here, in one line for a skipped test; undefined when it can, or was. */
export function whyNoSriProgram(name: SriProgram): string | undefined {
  if (existsSync(pathOf(name))) return undefined;
  if (!onPath('cargo')) return `SRI's ${name} needs cargo on PATH`;
  if (!hasSchemaCompiler() && !mayInstall())
    return `SRI's ${name} needs ${compilerPackages.join(' and ')} (apt-get install, as root)`;
  return undefined;
}

/** Path of a program; the first call on a machine takes minutes, because it builds them all. Others that want them meanwhile wait for it. */
export async function buildSriProgram(name: SriProgram): Promise<string> {
  if (existsSync(pathOf(name))) return pathOf(name);
  const target = cacheDirectory('sri-programs-target', JSON.stringify(programs));
  await withMachineLock(target, async () => {
    if (existsSync(pathOf(name))) return;
    if (!hasSchemaCompiler()) await installPackages(...compilerPackages);
    const missing = sriPrograms.filter((each) => !existsSync(pathOf(each)));
    for (const [index, each] of missing.entries()) await build(each, `${index + 1} of ${missing.length}`, target);
    rmSync(target, { recursive: true, force: true });
  });
  return pathOf(name);
}

async function build(name: SriProgram, place: string, target: string): Promise<void> {
  const { crate, minutes } = programs[name];
  console.log(`building ${name} of ${crate}, ${place}, once for this machine: up to ${minutes} minutes of CPU time`);
  const begin = performance.now();
  let compiled = 0;
  const tell = (what: string) =>
    console.log(`${what} ${name}: ${compiled} crates, ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
  const progress = setInterval(() => tell('building'), PROGRESS_MS);
  try {
    const install = ['cargo', 'install', '--locked', crate, '--bin', name, '--jobs', '2', '--color', 'never'];
    await run('nice', ['-n', '10', ...install, '--force', '--root', rootOf(name), '--target-dir', target], {
      onOutput: (text) => {
        compiled += text.split('Compiling ').length - 1;
      },
    });
  } finally {
    clearInterval(progress);
  }
  tell('built');
}
