// The system calls of a running process, by strace: what reached the disk before what was sent.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installPackages, onPath } from './debian-packages.ts';

export interface SystemCall {
  readonly name: string;
  /** Arguments as strace shows them, file names beside descriptors. */
  readonly text: string;
  /** Unix seconds. */
  readonly startedAt: number;
  readonly endedAt: number;
}

const CALLS = 'openat,fdatasync,fsync,write,writev,pwrite64,sendto,sendmsg';

/** Installs strace where there is none and this may; one line that says why calls cannot be traced here; undefined: they can. */
export async function whyNoTrace(): Promise<string | undefined> {
  try {
    if (!onPath('strace')) await installPackages('strace');
    execFileSync('strace', ['-e', 'trace=none', 'true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const [why] = error instanceof Error ? error.message.split('\n') : [];
    return `no strace, so the order of sync and acknowledgement is not shown: ${why}`;
  }
}

export class Trace {
  readonly #directory: string;
  readonly #strace: ChildProcess;

  private constructor(directory: string, strace: ChildProcess) {
    this.#directory = directory;
    this.#strace = strace;
  }

  /** Resolves when the processes are being traced, all by one clock. */
  static async attach(...pids: readonly number[]): Promise<Trace> {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-trace-'));
    const file = join(directory, 'calls');
    const strace = spawn(
      'strace',
      [
        ...['-f', '-yy', '-T', '-ttt', '-s', '400', '-e', `trace=${CALLS}`, '-o', file],
        ...pids.flatMap((pid) => ['-p', String(pid)]),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    strace.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const deadline = Date.now() + 10_000;
    while (!pids.every((pid) => said.includes(`Process ${pid} attached`))) {
      if (strace.exitCode !== null || Date.now() > deadline) throw new Error(`strace: ${said}`);
      await sleep(10);
    }
    return new Trace(directory, strace);
  }

  /** Lets the processes go; their calls by their start. */
  async stop(): Promise<SystemCall[]> {
    if (this.#strace.exitCode === null && this.#strace.signalCode === null) {
      const ended = new Promise((resolve) => this.#strace.once('exit', resolve));
      this.#strace.kill('SIGINT');
      await ended;
    }
    const text = readFileSync(join(this.#directory, 'calls'), 'utf8');
    rmSync(this.#directory, { recursive: true, force: true });
    return parseTrace(text);
  }
}

/** Puts calls together that strace shows in two lines because another thread came between. */
export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, Omit<SystemCall, 'endedAt'>>();
  for (const line of text.split('\n')) {
    const match = /^(\d+)\s+(\d+\.\d+) (.*)$/.exec(line);
    if (match === null) continue;
    const [, thread = '', time = '', rest = ''] = match;
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
    if (resumed !== null) {
      const begun = open.get(thread);
      open.delete(thread);
      // The time of the second line is that of the end.
      if (begun !== undefined) calls.push({ ...begun, text: begun.text + (resumed[2] ?? ''), endedAt: Number(time) });
      continue;
    }
    const name = /^(\w+)\(/.exec(rest)?.[1];
    if (name === undefined) continue;
    if (rest.endsWith('<unfinished ...>')) {
      open.set(thread, { name, text: rest, startedAt: Number(time) });
      continue;
    }
    const took = Number(/<(\d+\.\d+)>$/.exec(rest)?.[1] ?? 0);
    calls.push({ name, text: rest, startedAt: Number(time), endedAt: Number(time) + took });
  }
  return calls.sort((a, b) => a.startedAt - b.startedAt);
}

export const isSync = ({ name, text }: SystemCall): boolean =>
  (name === 'fsync' || name === 'fdatasync') && /\)\s+= 0/.test(text);
export const isWrite = ({ name }: SystemCall): boolean =>
  ['write', 'writev', 'pwrite64', 'sendto', 'sendmsg'].includes(name);
