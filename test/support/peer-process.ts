// A foreign miner's program as a child process: its lines of output as they come, and its end.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { waitFor } from './wait-for.ts';

export class PeerProcess {
  readonly lines: string[] = [];
  /** Resolves with the exit code, undefined when a signal ended it. */
  readonly exit: Promise<number | undefined>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #begin: number;
  #rest = '';

  constructor(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#begin = performance.now();
    const env = { ...process.env, NO_COLOR: '1', ...environment };
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    }
    this.exit = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => resolve(code ?? undefined));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.lines.push(...lines);
  }

  /** Waits until its output so far meets the condition; fails when the process ends before, or after the deadline. */
  async until(condition: () => boolean, deadlineMs = 60_000): Promise<void> {
    let ended = false;
    void this.exit.then(() => {
      ended = true;
    });
    await waitFor(() => ended || condition(), deadlineMs).catch((error: unknown) => {
      throw new Error(`${error}\n${this.tail()}`);
    });
    if (!condition()) throw new Error(`the peer ended by itself, ${condition} did not come true\n${this.tail()}`);
  }

  tail(): string {
    const seconds = ((performance.now() - this.#begin) / 1_000).toFixed(1);
    return `(after ${seconds} s)\n${this.lines.slice(-30).join('\n')}`;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
  }
}
