// `npm run secp256k1 [-- --install] [--out FILE]`: libsecp256k1 as a WebAssembly module, for fast handshakes. The C sources are
// those of the published crate secp256k1-sys, compared with a fixed hash; the result goes into the cache, or to FILE for an image.
// --install fetches missing tools with apt-get (as root). Without the tools it says so in one line, and everything still works.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { secp256k1WasmPath } from '../packages/runtime/src/secp256k1-wasm.ts';

const CRATE = 'secp256k1-sys';
const VERSION = '0.10.1';
/** SHA-256 over the paths and contents of all C files and headers that the module may be made of. */
const SOURCES_SHA256 = 'a1c5ec80ff31be75192215f504ed1ef37a34a647638cf6529574b70d1252da3b';
/** Program and the Debian package it comes with. */
const TOOLS = { cargo: 'cargo', clang: 'clang', 'wasm-ld': 'lld' } as const;

const FLAGS = [
  // 32-bit limbs: with wider ones the compiler asks for a runtime library, and the struct form of them is slower.
  ...['--target=wasm32', '-O3', '-nostdlib', '-fno-builtin', '-mbulk-memory', '-DUSE_FORCE_WIDEMUL_INT64=1'],
  ...['-DENABLE_MODULE_ELLSWIFT=1', '-DENABLE_MODULE_EXTRAKEYS=1', '-DENABLE_MODULE_SCHNORRSIG=1'],
  // Measured: larger tables are slower in here.
  ...['-DECMULT_WINDOW_SIZE=8', '-DECMULT_GEN_PREC_BITS=4'],
  ...['-DUSE_EXTERNAL_DEFAULT_CALLBACKS=1', '-DSECP256K1_API=extern', '-Wno-extern-initializer', '-Dprintf(...)='],
  // The stack first, at address 0: packages/noise/src/wasm-ec.ts zeroes it.
  ...['-Wl,--no-entry', '-Wl,--strip-all', '-Wl,--stack-first', '-Wl,-z,stack-size=65536'],
];
const moduleSource = join(import.meta.dirname, 'secp256k1/module.c');

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

function run(command: string, args: readonly string[], cwd?: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`${command} ${args[0]} failed: ${error?.message ?? `${stdout}${stderr}`.slice(-2000)}`);
}

function install(missing: readonly (keyof typeof TOOLS)[]): void {
  const packages = missing.map((tool) => TOOLS[tool]);
  console.log(`secp256k1: installing ${packages.join(', ')}`);
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
}

/** Brings the crate's folder to `directory` and returns its path. */
function fetchSources(directory: string): string {
  console.log(`secp256k1: fetching the sources (${CRATE} ${VERSION})`);
  mkdirSync(join(directory, 'src'));
  writeFileSync(join(directory, 'src/lib.rs'), '');
  writeFileSync(
    join(directory, 'Cargo.toml'),
    `[package]\nname = "sources"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n${CRATE} = "=${VERSION}"\n[workspace]\n`,
  );
  run('cargo', ['vendor', '--quiet', 'vendor'], directory);
  const crate = join(directory, 'vendor', CRATE);
  const hash = createHash('sha256');
  for (const file of globSync('{depend/secp256k1,wasm}/**/*.{c,h}', { cwd: crate }).sort()) {
    hash.update(`${file}\n`).update(readFileSync(join(crate, file)));
  }
  const sum = hash.digest('hex');
  if (sum !== SOURCES_SHA256) throw new Error(`the sources are not those that were reviewed: ${sum}`);
  return crate;
}

function compile(crate: string, out: string): void {
  console.log('secp256k1: compiling');
  const library = join(crate, 'depend/secp256k1');
  const include = [join(crate, 'wasm/wasm-sysroot'), join(library, 'include'), join(library, 'src'), library];
  const sources = ['secp256k1.c', 'precomputed_ecmult.c', 'precomputed_ecmult_gen.c'];
  run('clang', [
    ...FLAGS,
    ...include.map((directory) => `-I${directory}`),
    ...['-o', out, moduleSource],
    ...sources.map((file) => join(library, 'src', file)),
  ]);
}

function build(target: string, recipe: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-secp256k1-'));
  try {
    const made = join(directory, 'secp256k1.wasm');
    compile(fetchSources(directory), made);
    mkdirSync(dirname(target), { recursive: true });
    // Beside the target first, so that nobody ever reads half of it.
    copyFileSync(made, `${target}.new`);
    renameSync(`${target}.new`, target);
    writeFileSync(`${target}.recipe`, recipe);
    console.log(`secp256k1: ${target}, ${readFileSync(target).length} bytes`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function main(): number {
  const { values } = parseArgs({ options: { install: { type: 'boolean', default: false }, out: { type: 'string' } } });
  const target = values.out === undefined ? secp256k1WasmPath(process.env) : resolve(values.out);
  const recipe = createHash('sha256')
    .update(JSON.stringify([VERSION, SOURCES_SHA256, FLAGS]))
    .update(readFileSync(moduleSource))
    .digest('hex');
  if (existsSync(target) && existsSync(`${target}.recipe`) && readFileSync(`${target}.recipe`, 'utf8') === recipe) {
    console.log(`secp256k1: ${target} is there`);
    return 0;
  }
  const missing = (Object.keys(TOOLS) as (keyof typeof TOOLS)[]).filter((tool) => !has(tool));
  if (missing.length > 0 && !values.install) {
    console.log(
      `secp256k1: ${missing.join(', ')} not found (--install fetches them); handshakes run on the slower reference code`,
    );
    return 0;
  }
  try {
    if (missing.length > 0) install(missing);
    build(target, recipe);
    return 0;
  } catch (error) {
    console.error(`secp256k1: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

process.exitCode = main();
