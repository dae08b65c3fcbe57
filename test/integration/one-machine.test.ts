// `npm start` as a newcomer runs it: the real command, its demo miners over real connections, and the figures promised for it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';

const root = join(import.meta.dirname, '../..');
const program = join(root, 'cli/src/main.ts');
const data = mkdtempSync(join(tmpdir(), 'sluice-one-machine-'));

const READY_MS = 3_000;
const FIRST_SHARE_MS = 10_000;
const FIRST_BLOCK_MS = 30_000;
const MAX_RSS_BYTES = 200 * 1024 * 1024;

/** A running `sluice start`. */
class Pool {
  readonly startedAt = performance.now();
  readonly healthPort: number;
  readonly #process: ChildProcess;
  readonly #exit: Promise<number | null>;
  output = '';

  private constructor(process: ChildProcess, healthPort: number) {
    this.healthPort = healthPort;
    this.#process = process;
    process.stdout?.on('data', (chunk) => (this.output += chunk));
    process.stderr?.on('data', (chunk) => (this.output += chunk));
    this.#exit = new Promise((resolve) => process.on('exit', resolve));
  }

  static async start(listenPort: number, ...flags: string[]): Promise<Pool> {
    const healthPort = await freePort();
    const argv = [
      '--data',
      data,
      '--listen',
      `127.0.0.1:${listenPort}`,
      '--health',
      `127.0.0.1:${healthPort}`,
      ...flags,
    ];
    const child = spawn(process.execPath, [program, 'start', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    return new Pool(child, healthPort);
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  /** Resident memory of the process, all its threads included. */
  get rssBytes(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  async get(path: string): Promise<{ readonly status: number; readonly body: string }> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.healthPort}${path}`);
      return { status: response.status, body: await response.text() };
    } catch {
      return { status: 0, body: '' };
    }
  }

  /** Sum over the series of a metric that have all of these labels. */
  async metric(name: string, labels = ''): Promise<number> {
    const { body } = await this.get('/metrics');
    return body
      .split('\n')
      .filter((line) => line.startsWith(name) && !line.startsWith('#') && line.includes(labels))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Polls until it is so; returns the time since the start. */
  async until(what: string, deadlineMs: number, isSo: () => Promise<boolean> | boolean): Promise<number> {
    while (!(await isSo())) {
      if (this.elapsedMs > deadlineMs) throw new Error(`not ${what} after ${deadlineMs} ms:\n${this.output}`);
      await sleep(50);
    }
    return this.elapsedMs;
  }

  /** Resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.#process.kill('SIGTERM');
    return this.#exit;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

const urlOf = (pool: Pool) => /stratum2\+tcp:\/\/127\.0\.0\.1:(\d+)\/([1-9A-HJ-NP-Za-km-z]+)/.exec(pool.output);

let pool: Pool | undefined;
afterEach(() => pool?.kill());
afterAll(() => rmSync(data, { recursive: true, force: true }));

describe('npm start', () => {
  it('is ready, gets shares and finds a block in time, in little memory', async () => {
    const port = await freePort();
    const running = await Pool.start(port);
    pool = running;
    const ready = await running.until('ready', READY_MS, async () => (await running.get('/readyz')).status === 200);
    const share = await running.until(
      'acknowledging shares',
      FIRST_SHARE_MS,
      async () => (await running.metric('sluice_gateway_shares_stored_total')) > 0,
    );
    const block = await running.until(
      'finding a block',
      FIRST_BLOCK_MS,
      async () => (await running.metric('sluice_template_provider_blocks_total', 'outcome="accepted"')) > 0,
    );
    await sleep(5_000);
    console.log(
      `ready ${ready.toFixed(0)} ms, share ${share.toFixed(0)} ms, block ${block.toFixed(0)} ms, ${(running.rssBytes / 2 ** 20).toFixed(0)} MB`,
    );
    expect(running.rssBytes).toBeLessThan(MAX_RSS_BYTES);
    expect(urlOf(running)?.[1]).toBe(String(port));
    expect(await running.metric('sluice_gateway_shares_refused_total')).toBeLessThan(
      await running.metric('sluice_gateway_shares_accepted_total'),
    );
    expect(await running.stop()).toBe(0);
  });

  it('keeps its authority key, which nobody else can read, and its shares over a restart', async () => {
    const file = join(data, 'authority.key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const secret = readFileSync(file, 'utf8').trim();
    const key = spawnSync(process.execPath, [program, 'keys', '--file', file, '--show', '--json'], {
      encoding: 'utf8',
    });
    const running = await Pool.start(await freePort(), '--demo-miners', '0');
    pool = running;
    await running.until('reading its shares back', READY_MS + 6_000, () =>
      /[1-9][\d,]* of them read back/.test(running.output),
    );
    expect(urlOf(running)?.[2]).toBe(JSON.parse(key.stdout).publicKey);
    expect(running.output).not.toContain(secret);
    expect(await running.stop()).toBe(0);
  });

  it('steps over a port that is taken and says so', async () => {
    const holder: Server = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const taken = (holder.address() as { port: number }).port;
    const running = await Pool.start(taken, '--demo-miners', '0');
    pool = running;
    await running.until('showing its address', READY_MS + 6_000, () => urlOf(running) !== null);
    expect(Number(urlOf(running)?.[1])).toBeGreaterThan(taken);
    expect(running.output).toContain(`port ${taken} is taken`);
    expect(await running.stop()).toBe(0);
    holder.close();
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
    const running = await Pool.start(await freePort(), ...node);
    pool = running;
    await running.until('naming the node', 15_000, () => /waiting: .*no node gives work/.test(running.output));
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
    [['--listne', '127.0.0.1:1'], {}, /^sluice start: --listne: unknown flag; did you mean --listen\?\n$/],
    [
      ['--demo-miners', 'many'],
      {},
      /^sluice start: --demo-miners: "many" is not allowed; allowed: a whole number from 0 to 8\n$/,
    ],
    [
      [],
      { SLUICE_DATAS: 'x' },
      /^sluice start: SLUICE_DATAS: unknown environment variable; did you mean SLUICE_DATA\?\n$/,
    ],
    [['--bitcoind', 'http://user:hunter2@127.0.0.1:1'], {}, /^sluice start: --payout: not set; .*\n$/],
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
