// The worker processes as one: an order goes to all of them, and their answers come back in their order.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { OrderMessage, Orders, Progress, WorkerMessage } from './orders.ts';

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

class WorkerProcess {
  readonly pending: Pending[] = [];
  progress: Progress = { open: 0, sent: 0, acknowledged: 0, refused: 0 };
  readonly #process: ChildProcess;
  #ended: Error | undefined;

  constructor(index: number, onTold: (tip: string) => void, onEnd: (error: Error) => void) {
    this.#process = fork(fileURLToPath(import.meta.resolve('./worker.ts')), { serialization: 'advanced' });
    this.#process.on('message', (message: WorkerMessage) => {
      if (message.kind === 'progress') this.progress = message.progress;
      else if (message.kind === 'told') onTold(message.tip);
      else if (message.kind === 'answer') this.pending.shift()?.resolve(message.answer);
      else this.pending.shift()?.reject(new Error(`worker ${index}: ${message.reason}`));
    });
    this.#process.on('exit', (code, signal) => {
      this.#ended = new Error(`worker ${index} has ended: ${signal ?? `exit code ${code}`}`);
      for (const { reject } of this.pending) reject(this.#ended);
      onEnd(this.#ended);
    });
  }

  ask(message: OrderMessage): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.pending.push({ resolve, reject });
      this.#process.send(message);
    });
  }

  end(): void {
    if (this.#process.connected) this.#process.disconnect();
  }
}

export class Fleet {
  readonly #workers: readonly WorkerProcess[];
  /** Workers all of whose connections were told, by tip. */
  readonly #told = new Map<string, number>();

  /** Rejects when a worker ends before its time. */
  readonly broken: Promise<never>;

  constructor(workers: number) {
    const onTold = (tip: string) => this.#told.set(tip, (this.#told.get(tip) ?? 0) + 1);
    const { promise, reject } = Promise.withResolvers<never>();
    this.broken = promise;
    // Whoever waits for an answer hears of it as well.
    promise.catch(() => undefined);
    this.#workers = Array.from({ length: workers }, (_, index) => new WorkerProcess(index, onTold, reject));
  }

  get size(): number {
    return this.#workers.length;
  }

  /** The argument may depend on the worker. */
  async ask<K extends keyof Orders>(
    kind: K,
    argument: (worker: number) => Orders[K]['argument'],
  ): Promise<readonly Orders[K]['answer'][]> {
    return Promise.all(
      this.#workers.map(
        (worker, index) => worker.ask({ kind, argument: argument(index) }) as Promise<Orders[K]['answer']>,
      ),
    );
  }

  /** Tips that every connection was told of: hashes in hexadecimal, wire order. */
  get toldTips(): readonly string[] {
    return [...this.#told].filter(([, workers]) => workers === this.size).map(([tip]) => tip);
  }

  get progress(): Progress {
    const sum = { open: 0, sent: 0, acknowledged: 0, refused: 0 };
    for (const { progress } of this.#workers) {
      sum.open += progress.open;
      sum.sent += progress.sent;
      sum.acknowledged += progress.acknowledged;
      sum.refused += progress.refused;
    }
    return sum;
  }

  end(): void {
    for (const worker of this.#workers) worker.end();
  }
}
