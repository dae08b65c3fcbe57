// SRI's programs are built once for a machine, whoever wants them at the same time. Cargo and its schema compiler are stand-ins here that
// notice when two of them run at once.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../support/run.ts';
import { waitFor } from '../support/wait-for.ts';

const support = join(import.meta.dirname, '../support');
const PROGRAMS = ['jd_client_sv2', 'mining_device', 'pool_sv2', 'translator_sv2'];

const FAKE_CARGO = `#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in --bin) name=$2;; --root) root=$2;; --target-dir) target=$2;; esac
  shift
done
mkdir "$SRI_TEST/building" || { echo "two builds at once" >> "$SRI_TEST/log"; exit 1; }
echo "$name" >> "$SRI_TEST/log"
mkdir -p "$root/bin" "$target"
echo "   Compiling one v1.0.0" >&2
sleep 0.1
[ -d "$target" ] || { echo "the target folder is gone" >> "$SRI_TEST/log"; exit 1; }
touch "$root/bin/$name"
rmdir "$SRI_TEST/building"
`;

/** Runs a module that sees these exports, with the stand-ins first on PATH and a cache of its own. */
function node(directory: string, code: string): Promise<string> {
  const env = {
    SRI_TEST: directory,
    XDG_CACHE_HOME: join(directory, 'cache'),
    PATH: `${directory}${delimiter}${process.env.PATH}`,
  };
  return run(process.execPath, ['--input-type=module', '--eval', code], { env });
}

describe('programs of SRI', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-sri-programs-'));
  beforeAll(() => {
    writeFileSync(join(directory, 'cargo'), FAKE_CARGO, { mode: 0o755 });
    for (const name of ['capnp', 'apt-get']) writeFileSync(join(directory, name), '#!/bin/sh\n', { mode: 0o755 });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('are each built once, also when four processes want them at once, and progress is told', async () => {
    const build = (name: string) => `
      import { buildSriProgram } from ${JSON.stringify(join(support, 'sri-programs.ts'))};
      console.log(await buildSriProgram('${name}'));`;
    const outputs = await Promise.all(PROGRAMS.map((name) => node(directory, build(name))));
    expect(readFileSync(join(directory, 'log'), 'utf8').trim().split('\n').sort()).toEqual(PROGRAMS);
    for (const [index, output] of outputs.entries()) expect(output).toMatch(new RegExp(`/bin/${PROGRAMS[index]}\n$`));
    const told = outputs.join('');
    for (const name of PROGRAMS) expect(told).toContain(`built ${name}: 1 crates`);
    expect(told).toMatch(/building \w+ of \w+@\S+, 4 of 4, once for this machine: up to \d+ minutes of CPU time/);
  });

  test('wait for no process that died while it built', async () => {
    const lock = (work: string) => `
      import { withMachineLock } from ${JSON.stringify(join(support, 'machine-lock.ts'))};
      await withMachineLock(${JSON.stringify(directory)}, async () => { ${work} });`;
    const holder = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      lock("console.log('held'); await new Promise((r) => setTimeout(r, 60_000));"),
    ]);
    let held = '';
    holder.stdout.on('data', (chunk) => (held += chunk));
    await waitFor(() => held === 'held\n');
    const next = node(directory, lock("console.log('mine');"));
    holder.kill('SIGKILL');
    expect(await next).toBe('mine\n');
  });
});
