import { fork, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

const program = join(import.meta.dirname, '../src/main.ts');

function sluice(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...argv], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** An environment whose processes of Node write what flags they have when they end. */
function showing(options: readonly string[]) {
  const shows = 'process.on("exit", () => process.stderr.write(JSON.stringify(process.execArgv)))';
  const flags = [...options, `--import=data:text/javascript,${encodeURIComponent(shows)}`];
  return { ...process.env, NODE_OPTIONS: flags.join(' ') };
}

const directory = () => mkdtempSync(join(tmpdir(), 'sluice-cli-'));

describe('sluice', () => {
  it('lists its commands without one', () => {
    const { status, stdout } = sluice();
    expect(status).toBe(0);
    for (const name of ['start', 'connection-gateway', 'share-validator', 'proxy', 'miner', 'keys'])
      expect(stdout).toContain(name);
  });

  it('suggests the command that was meant', () => {
    expect(sluice('strat')).toEqual({
      status: 2,
      stdout: '',
      stderr: 'sluice: "strat": unknown command; did you mean start?; allowed: what sluice help lists\n',
    });
    expect(sluice('constructor').status).toBe(2);
  });

  it.each([[['help', 'help']], [['help', '--help']], [['help', 'version']], [['-h']]])(
    'shows the overview for %j',
    (argv) => expect(sluice(...argv)).toEqual(sluice()),
  );

  it.each([[['version', '--x']], [['help', 'keys', 'x']], [['help', 'kyes']]])('has one line for %j', (argv) => {
    const { status, stdout, stderr } = sluice(...argv);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^sluice: .*; allowed: .*\n$/);
  });

  it('takes a command behind that of npm start', () => {
    expect(sluice('start', 'proxy', '--help')).toEqual(sluice('proxy', '--help'));
    expect(sluice('proxy', '--help').stdout).toContain('Usage: sluice proxy [flags]');
    expect(sluice('start', 'poxy').stderr).toMatch(/^sluice start: .*poxy/);
  });

  it('tells its version', () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    for (const word of ['version', '--version', '-v'])
      expect(sluice(word).stdout).toBe(`sluice ${version} (Node ${process.versions.node})\n`);
  });

  it.each([
    ['proxy', [], ['--max-semi-space-size=4', '--v8-pool-size=1']],
    ['share-validator', [], ['--max-semi-space-size=16', '--v8-pool-size=1']],
    ['proxy', ['--max-semi-space-size=2'], []],
    ['miner', [], []],
  ])(
    'holds the space for young objects of a service small, and has one thread collect garbage: %s, %j',
    (command, options, flags) => {
      const argv = [program, command, '--help'];
      const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', env: showing(options) });
      expect([status, stderr]).toEqual([0, JSON.stringify(flags)]);
      expect(stdout).toContain(`Usage: sluice ${command}`);
    },
  );

  it('leaves the size alone where somebody talks to the process, as node --watch does', async () => {
    const child = fork(program, ['proxy', '--help'], { execArgv: [], silent: true, env: showing([]) });
    expect(child.stderr && (await text(child.stderr))).toBe('[]');
  });

  it('starts by its launcher too', () => {
    const launcher = join(import.meta.dirname, '../bin/sluice.js');
    const { status, stdout } = spawnSync(process.execPath, [launcher, 'version'], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, sluice('version').stdout]);
  });

  it('shows the flags of a command both ways', () => {
    const { status, stdout } = sluice('keys', '--help');
    expect(status).toBe(0);
    expect(stdout).toContain('--file PATH');
    expect(sluice('help', 'keys').stdout).toBe(stdout);
  });
});

describe('sluice keys', () => {
  it('makes a key that only its owner can read, and shows the public half alone', () => {
    const file = join(directory(), 'authority.key');
    const { status, stdout } = sluice('keys', '--file', file, '--address', 'pool.example:3333', '--json');
    expect(status).toBe(0);
    const { publicKey, url } = JSON.parse(stdout);
    expect(publicKey).toMatch(/^9[1-9A-HJ-NP-Za-km-z]{50}$/);
    expect(url).toBe(`stratum2+tcp://pool.example:3333/${publicKey}`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(stdout).not.toContain(readFileSync(file, 'utf8').trim());
    expect(JSON.parse(sluice('keys', '--file', file, '--show', '--json').stdout).publicKey).toBe(publicKey);
  });

  it('never overwrites a key', () => {
    const file = join(directory(), 'authority.key');
    sluice('keys', '--file', file);
    const before = readFileSync(file);
    const { status, stderr } = sluice('keys', '--file', file);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^sluice keys: --file: .* exists already; allowed: .*--show.*\n$/);
    expect(readFileSync(file)).toEqual(before);
  });

  it('refuses a damaged key without showing it', () => {
    const file = join(directory(), 'authority.key');
    sluice('keys', '--file', file);
    const secret = readFileSync(file, 'utf8').trim();
    writeFileSync(file, `${secret.slice(0, -1)}${secret.endsWith('1') ? '2' : '1'}\n`);
    const { status, stdout, stderr } = sluice('keys', '--file', file, '--show');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^sluice keys: --file: .* holds no secret key, or a damaged one; allowed: .*\n$/);
    expect(stdout + stderr).not.toContain(secret.slice(0, 12));
  });

  it('has one line for a mistake', () => {
    expect(sluice('keys', '--adress', 'x:1')).toEqual({
      status: 2,
      stdout: '',
      stderr: 'sluice keys: --adress: unknown flag; did you mean --address?; allowed: what --help lists\n',
    });
  });
});
