// `LocalPool` in a process of its own, for what is measured beside it.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LocalPoolOptions } from './local-pool.ts';

export type LocalPoolOrder =
  | { readonly kind: 'start'; readonly options: LocalPoolOptions }
  | { readonly kind: 'block' | 'credits' };

export type LocalPoolAnswer =
  | { readonly kind: 'started'; readonly address: string; readonly authorityKey: string }
  /** Its hash in hexadecimal, wire order. */
  | { readonly kind: 'block'; readonly hash: string }
  | { readonly kind: 'credits'; readonly shares: number };

type AnswerOf<Kind extends LocalPoolAnswer['kind']> = Extract<LocalPoolAnswer, { readonly kind: Kind }>;

export class LocalPoolProcess {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly authorityKey: string;
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, { address, authorityKey }: AnswerOf<'started'>) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.address = address;
    this.authorityKey = authorityKey;
  }

  static async start(options: LocalPoolOptions): Promise<LocalPoolProcess> {
    const program = fileURLToPath(import.meta.resolve('./local-pool-child.ts'));
    const child = fork(program, { serialization: 'advanced' });
    const started = await ask(child, { kind: 'start', options }, 'started');
    return new LocalPoolProcess(child, started);
  }

  /** Somebody else finds a block. Its hash in hexadecimal, wire order. */
  async newBlock(): Promise<string> {
    return (await ask(this.#child, { kind: 'block' }, 'block')).hash;
  }

  /** Shares that were credited so far. */
  async credited(): Promise<number> {
    return (await ask(this.#child, { kind: 'credits' }, 'credits')).shares;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }
}

/** One at a time. Fails when the process ends before it has answered. */
async function ask<Kind extends LocalPoolAnswer['kind']>(
  child: ChildProcess,
  order: LocalPoolOrder,
  kind: Kind,
): Promise<AnswerOf<Kind>> {
  const ended = new AbortController();
  const { signal } = ended;
  child.send(order);
  try {
    const answer: unknown = await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message),
      once(child, 'exit', { signal }),
    ]);
    if (Array.isArray(answer) || (answer as LocalPoolAnswer).kind !== kind)
      throw new Error(`the pool has ended, and was to answer ${kind}`);
    return answer as AnswerOf<Kind>;
  } finally {
    ended.abort();
  }
}
