// `npm start` as a newcomer runs it: the real command, its demo miners over real connections, and the figures promised for it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { MAX_RSS_BYTES, OneMachine } from '../support/one-machine.ts';

const root = join(import.meta.dirname, '../..');
const program = join(root, 'cli/src/main.ts');
const data = mkdtempSync(join(tmpdir(), 'sluice-one-machine-'));

/** For what is promised without a time. */
const PATIENCE_MS = 60_000;
/** The demo's chain is as hard as its miners are fast: a block every four seconds on average, none of them somebody else's. */
const DEMO_MS = 75_000;
const FEWEST_BLOCKS = 5;
const MOST_BLOCKS = 40;

const start = (listenPort: number, ...flags: string[]) =>
  OneMachine.start({ command: [process.execPath, program, 'start'], data, listenPort, flags });

let pool: OneMachine | undefined;
afterEach(() => pool?.kill());
afterAll(() => rmSync(data, { recursive: true, force: true }));

describe('npm start', () => {
  it('is ready, gets shares and finds a block in time, in little memory, and goes on finding them', async () => {
    const port = await freePort();
    const running = await start(port);
    pool = running;
    const { rssBytes } = await running.firstFigures();
    expect(rssBytes).toBeLessThan(MAX_RSS_BYTES);
    expect(running.url?.port).toBe(port);
    expect(await running.metric('sluice_gateway_shares_refused_total')).toBeLessThan(
      await running.metric('sluice_gateway_shares_accepted_total'),
    );
    const before = await running.chain();
    await sleep(DEMO_MS);
    const after = await running.chain();
    const found = after.ours - before.ours;
    console.info(`${found} blocks in ${DEMO_MS / 1_000} s`);
    expect(found).toBeGreaterThanOrEqual(FEWEST_BLOCKS);
    expect(found).toBeLessThanOrEqual(MOST_BLOCKS);
    // Two of ours at one height are both accepted; somebody else's would make the chain grow by more than ours.
    expect(after.height - before.height).toBeLessThanOrEqual(found);
    expect(running.output).toMatch(/Z {2}block \d+ [0-9a-f]{64} found by demo\.\d, 50\S* BTC: accepted\n/);
    expect(await running.stop()).toBe(0);
    expect(running.output).toMatch(/stopping\n$/);
  });

  it('keeps its authority key, which nobody else can read, and its shares over a restart', async () => {
    const file = join(data, 'authority.key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const secret = readFileSync(file, 'utf8').trim();
    const key = spawnSync(process.execPath, [program, 'keys', '--file', file, '--show', '--json'], {
      encoding: 'utf8',
    });
    const running = await start(await freePort(), '--demo-miners', '0');
    pool = running;
    await running.until('reading its shares back', PATIENCE_MS, () =>
      /[1-9][\d,]* blocks? found .*[1-9][\d,]* of them read back/.test(running.output),
    );
    expect(running.url?.authorityKey).toBe(JSON.parse(key.stdout).publicKey);
    expect(running.output).not.toContain(secret);
    expect(await running.stop()).toBe(0);
  });

  it('takes a port that was named for a mistake when it is taken', async () => {
    const holder: Server = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const taken = (holder.address() as { port: number }).port;
    const args = ['--data', data, '--listen', `127.0.0.1:${taken}`];
    const { status, stderr } = spawnSync(process.execPath, [program, 'start', ...args], { encoding: 'utf8' });
    expect(stderr).toMatch(/^sluice start: --listen: 127\.0\.0\.1:\d+ is taken by another program; allowed: .*\n$/);
    expect(status).toBe(2);
    holder.close();
  });

  it('says that the folder is in use before it looks for ports', async () => {
    const running = await start(await freePort(), '--demo-miners', '0');
    pool = running;
    await running.until('showing its address', PATIENCE_MS, () => running.url !== undefined);
    // With nothing compiled yet it is the same.
    for (const cache of [process.env.XDG_CACHE_HOME, join(data, 'cache')]) {
      const env = { ...process.env, ...(cache === undefined ? {} : { XDG_CACHE_HOME: cache }) };
      const second = spawnSync(process.execPath, [program, 'start', '--data', data], { encoding: 'utf8', env });
      expect(second.stderr).toMatch(/is in use by another process/);
      expect(second.stdout).not.toContain('is taken');
      expect(second.status).toBe(1);
    }
    expect(await running.stop()).toBe(0);
  });

  it('waits for a node that is not there, says so, and can be ended meanwhile', async () => {
    const payout = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
    const node = [
      '--bitcoind',
      `http://user:hunter2@127.0.0.1:${await freePort()}`,
      '--network',
      'regtest',
      '--payout',
      payout,
    ];
    const running = await start(await freePort(), ...node);
    pool = running;
    await running.until('naming the node', PATIENCE_MS, () => /waiting: .*no node gives work/.test(running.output));
    expect((await running.get('/readyz')).status).toBe(503);
    expect(await running.stop()).toBe(0);
    expect(running.output).not.toContain('hunter2');
  });
});

describe('mistakes', () => {
  const start = (argv: string[], env: Record<string, string> = {}) =>
    spawnSync(process.execPath, [program, 'start', ...argv], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, ...env },
    });

  it.each([
    [['--listne', '127.0.0.1:1'], {}, /^sluice start: --listne: unknown flag; did you mean --listen\?; allowed: .*\n$/],
    [
      ['--demo-miners', 'many'],
      {},
      /^sluice start: --demo-miners: "many" is not allowed; allowed: a whole number from 0 to 8\n$/,
    ],
    [
      [],
      { SLUICE_DATAS: 'x' },
      /^sluice start: SLUICE_DATAS: unknown environment variable; did you mean SLUICE_DATA\?; allowed: .*\n$/,
    ],
    [
      ['--bitcoind', 'http://user:hunter2@127.0.0.1:1'],
      {},
      /^sluice start: --payout, SLUICE_PAYOUT or payout in the file: not set, .*; allowed: .*\n$/,
    ],
    [['--bitcoind', 'http://127.0.0.1:1', '--payout', 'bc1qnonsense'], {}, /^sluice start: --payout: .*\n$/],
    [
      ['--bitcoind', 'ftp://user:hunter2@127.0.0.1'],
      {},
      /^sluice start: --bitcoind: its value is not allowed; allowed: .*\n$/,
    ],
  ])('%j with %j is one line and exit code 2', (argv, env, line) => {
    const { status, stderr, stdout } = start(argv, env as Record<string, string>);
    expect(stderr).toMatch(line);
    expect(stderr + stdout).not.toContain('hunter2');
    expect(status).toBe(2);
  });

  it('in a file name its line', () => {
    const file = join(data, 'pool.yaml');
    spawnSync('sh', ['-c', `printf 'listen: 127.0.0.1:3333\\ndemoMiners: 99\\n' > ${file}`]);
    const { status, stderr } = start(['--config', file]);
    expect(stderr).toBe(
      `sluice start: ${file}:2 demoMiners: "99" is not allowed; allowed: a whole number from 0 to 8\n`,
    );
    expect(status).toBe(2);
  });
});
