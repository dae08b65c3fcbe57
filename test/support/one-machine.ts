// A running `sluice start`, however it was started, and what a newcomer is promised of it.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { starvedMs } from './starvation.ts';

const READY_MS = 3_000;
const FIRST_SHARE_MS = 10_000;
const FIRST_BLOCK_MS = 30_000;
/** Of the command alone, without npm. */
export const MAX_RSS_BYTES = 200 * 1024 * 1024;
/** Memory is looked at when the first seconds are over. */
const SETTLED_MS = 5_000;

export interface OneMachineOptions {
  /** The program and what stands before its flags. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly data: string;
  readonly listenPort: number;
  readonly flags?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Milliseconds after the start, and the most memory so far. */
export interface FirstFigures {
  readonly ready: number;
  readonly share: number;
  readonly block: number;
  readonly rssBytes: number;
}

export class OneMachine {
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

  static async start({ command, data, listenPort, flags = [], cwd, env }: OneMachineOptions): Promise<OneMachine> {
    const healthPort = await freePort();
    const [program, ...before] = command;
    const addresses = ['--listen', `127.0.0.1:${listenPort}`, '--health', `127.0.0.1:${healthPort}`];
    const options: SpawnOptions = {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: npm does not take its child along when it is killed.
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
    };
    return new OneMachine(spawn(program, [...before, '--data', data, ...addresses, ...flags], options), healthPort);
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  /** The address for miners, once it is shown: port and authority key. */
  get url(): { readonly port: number; readonly authorityKey: string } | undefined {
    const [, port, authorityKey = ''] =
      /stratum2\+tcp:\/\/127\.0\.0\.1:(\d+)\/([1-9A-HJ-NP-Za-km-z]+)/.exec(this.output) ?? [];
    return port === undefined ? undefined : { port: Number(port), authorityKey };
  }

  /** Of the pool itself, which npm starts as a grandchild. */
  get #pid(): number {
    const health = `127.0.0.1:${this.healthPort}`;
    const pid = readdirSync('/proc').find((name) => {
      if (!/^\d+$/.test(name)) return false;
      const args = argumentsOf(name);
      return args.some((argument) => argument.endsWith('cli/src/main.ts')) && args.includes(health);
    });
    if (pid === undefined) throw new Error(`the pool is not running:\n${this.output}`);
    return Number(pid);
  }

  /** The most memory that was resident at a time, all threads included. */
  get rssBytes(): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
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
    return sumOf((await this.get('/metrics')).body, name, labels);
  }

  /** The height of the chain and the blocks of ours that it accepted; two looks agree, so no block came between the two figures. */
  async chain(): Promise<{ readonly height: number; readonly ours: number }> {
    let before = await this.#chainNow();
    for (;;) {
      await sleep(100);
      const now = await this.#chainNow();
      if (now.height === before.height && now.ours === before.ours) return now;
      before = now;
    }
  }

  async #chainNow(): Promise<{ readonly height: number; readonly ours: number }> {
    const { body } = await this.get('/metrics');
    return {
      height: sumOf(body, 'sluice_template_provider_tip_height_blocks'),
      ours: sumOf(body, 'sluice_template_provider_blocks_total', 'outcome="accepted"'),
    };
  }

  /** Polls until it is so; returns the time since the start. What the pool waits for a core does not count: others have it. */
  async until(what: string, deadlineMs: number, isSo: () => Promise<boolean> | boolean): Promise<number> {
    while (!(await isSo())) {
      if (this.elapsedMs > deadlineMs && this.elapsedMs - this.#starvedMs > deadlineMs) {
        const starved = `${this.#starvedMs.toFixed(0)} ms of waiting for a core`;
        throw new Error(`not ${what} after ${deadlineMs} ms and ${starved}:\n${this.output}`);
      }
      await sleep(50);
    }
    return this.elapsedMs;
  }

  /** Of the pool and of what has started it, one after the other. */
  get #starvedMs(): number {
    const group = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && groupOf(name) === this.#process.pid);
    return group.reduce((sum, pid) => sum + starvedMs(Number(pid)), 0);
  }

  /** Ready, a share acknowledged and a block found, each as soon as it was promised. */
  async firstFigures(): Promise<FirstFigures> {
    const ready = await this.until('ready', READY_MS, async () => (await this.get('/readyz')).status === 200);
    const share = await this.until(
      'acknowledging shares',
      FIRST_SHARE_MS,
      async () => (await this.metric('sluice_gateway_shares_stored_total')) > 0,
    );
    const block = await this.until('finding a block', FIRST_BLOCK_MS, async () => (await this.#chainNow()).ours > 0);
    await sleep(SETTLED_MS);
    const { rssBytes } = this;
    const times = `ready ${ready.toFixed(0)} ms, share ${share.toFixed(0)} ms, block ${block.toFixed(0)} ms`;
    console.info(`${times}, ${(rssBytes / 2 ** 20).toFixed(0)} MiB`);
    return { ready, share, block, rssBytes };
  }

  /** Resolves with the exit code of what was started. */
  async stop(): Promise<number | null> {
    process.kill(this.#pid, 'SIGTERM');
    return this.#exit;
  }

  /** Ends it and everything that it started. */
  kill(): void {
    if (this.#process.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }
}

function argumentsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Of processes; undefined of one that is gone. */
function groupOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name, which may hold anything: state, parent, group.
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[3]);
  } catch {
    return undefined;
  }
}

function sumOf(metrics: string, name: string, labels = ''): number {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(name) && !line.startsWith('#') && line.includes(labels))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
