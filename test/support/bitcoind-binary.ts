// Finds a bitcoind or unpacks Debian's packages of it (with the libraries they were built against) into the cache.
// The packages come from the mirror that the machine's own apt sources name; the system itself is not touched.
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheDirectory } from './cache.ts';
import { run } from './run.ts';

/** How to start it: the program and the arguments that come before bitcoind's own. */
export interface BitcoindCommand {
  readonly program: string;
  readonly leadingArguments: readonly string[];
}

const nodePackage = 'bitcoin-knots/sid';
const libraryPackages = [
  'libc6',
  'libstdc++6',
  'libgcc-s1',
  'libevent-core-2.1-7t64',
  'libevent-extra-2.1-7t64',
  'libevent-pthreads-2.1-7t64',
  'libzmq5',
  'libsqlite3-0',
  'libsodium23',
  'libpgm-5.3-0t64',
  'libnorm1t64',
].map((name) => `${name}/trixie`);

function onPath(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((file) => existsSync(file));
}

/** The mirror of the machine's own apt configuration, in either of apt's two formats. */
function debianMirror(): string {
  const files = ['/etc/apt/sources.list', ...globSync('/etc/apt/sources.list.d/*')].filter((file) => existsSync(file));
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const found = /^(?:deb\s+(?:\[[^\]]*\]\s+)?|URIs:\s*)(\S+\/debian)\/?(?:\s|$)/m.exec(text);
    if (found?.[1] !== undefined) return found[1];
  }
  throw new Error('no Debian mirror in the apt sources of this machine: put a bitcoind on PATH or name it in BITCOIND');
}

/** Debian's package with the libraries that it names; what those need besides is the machine's. */
export async function unpackedBitcoind(): Promise<BitcoindCommand> {
  const directory = cacheDirectory('bitcoind', [nodePackage, ...libraryPackages].join());
  const root = join(directory, 'root');
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu');
  const command: BitcoindCommand = {
    program: join(libraries, 'ld-linux-x86-64.so.2'),
    leadingArguments: ['--library-path', libraries, join(root, 'usr/bin/bitcoind')],
  };
  if (existsSync(join(directory, 'complete'))) return command;
  rmSync(directory, { recursive: true, force: true });
  for (const part of ['lists/partial', 'archives/partial', 'none', 'packages', 'root']) {
    mkdirSync(join(directory, part), { recursive: true });
  }
  const mirror = debianMirror();
  const sources = join(directory, 'sources.list');
  writeFileSync(sources, ['trixie', 'sid'].map((suite) => `deb ${mirror} ${suite} main\n`).join(''));
  const apt = [
    `Dir::State::Lists=${join(directory, 'lists')}`,
    `Dir::Cache=${directory}`,
    `Dir::Etc::sourcelist=${sources}`,
    `Dir::Etc::sourceparts=${join(directory, 'none')}`,
    `Dir::Etc::preferencesparts=${join(directory, 'none')}`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  await run('apt-get', [...apt, 'update']);
  await run('apt-get', [...apt, 'download', nodePackage, ...libraryPackages], { cwd: join(directory, 'packages') });
  for (const file of readdirSync(join(directory, 'packages'))) {
    await run('dpkg', ['-x', join(directory, 'packages', file), root]);
  }
  for (const part of ['lists', 'archives', 'packages']) rmSync(join(directory, part), { recursive: true, force: true });
  await run(command.program, [...command.leadingArguments, '-version']);
  writeFileSync(join(directory, 'complete'), '');
  return command;
}

/** `BITCOIND`, then PATH, then Debian's package in the cache. */
export async function bitcoindCommand(): Promise<BitcoindCommand> {
  const own = process.env.BITCOIND ?? onPath('bitcoind');
  if (own !== undefined) return { program: own, leadingArguments: [] };
  return unpackedBitcoind();
}
