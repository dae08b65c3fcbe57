// The reference implementation's own CPU miner, `mining_device` of its published crate: built once into the cache, outside of the
// clone. Its crate compiles Cap'n Proto schemas, which takes two Debian packages; as root they are installed here.
import { existsSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheDirectory } from './cache.ts';
import { run } from './run.ts';

const crate = 'integration_tests_sv2@0.6.0';
const compilerPackages = ['capnproto', 'libcapnp-dev'];

function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)));
}

/** The compiler alone is not enough: schemas include its own. */
const hasSchemaCompiler = () => onPath('capnp') && existsSync('/usr/include/capnp/c++.capnp');

const programPath = () => join(cacheDirectory('sri-mining-device', crate), 'bin/mining_device');

/** Why it cannot be built here, in one line for a skipped test; undefined when it can, or was. */
export function whyNoMiningDevice(): string | undefined {
  if (existsSync(programPath())) return undefined;
  if (!onPath('cargo')) return "SRI's mining_device needs cargo on PATH";
  const mayInstall = process.getuid?.() === 0 && onPath('apt-get');
  if (!hasSchemaCompiler() && !mayInstall)
    return `SRI's mining_device needs ${compilerPackages.join(' and ')} (apt-get install, as root)`;
  return undefined;
}

/** Path of the program; the first call on a machine takes minutes. */
export async function buildMiningDevice(): Promise<string> {
  const program = programPath();
  if (existsSync(program)) return program;
  console.log(`building mining_device of ${crate} once for this machine: 14 minutes of CPU time`);
  if (!hasSchemaCompiler()) {
    const wait = ['-o', 'DPkg::Lock::Timeout=300'];
    await run('apt-get', [...wait, 'update', '-qq']);
    await run('apt-get', [...wait, 'install', '-y', '-qq', '--no-install-recommends', ...compilerPackages]);
  }
  const root = cacheDirectory('sri-mining-device', crate);
  const target = join(root, 'target');
  const install = ['cargo', 'install', '--locked', '--quiet', crate, '--bin', 'mining_device', '--jobs', '2'];
  await run('nice', ['-n', '10', ...install, '--force', '--root', root, '--target-dir', target]);
  rmSync(target, { recursive: true, force: true });
  return program;
}
