// Demo miners: real clients over real connections, hashing in a thread of their own, so that the pool stays as responsive as
// it is with miners elsewhere.
import type { Worker } from 'node:worker_threads';
import type { HostPort } from '@sluice/runtime/config/value-types';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { startThread } from '@sluice/runtime/thread';

/** What the thread is given. */
export interface DemoThreadData {
  readonly count: number;
  /** Share of one core that all of them take together. */
  readonly duty: number;
  readonly address: HostPort;
  /** 32 bytes, x-only: the miners check it like any other. */
  readonly authorityKey: Uint8Array;
}

/** What the thread reports about once a second. */
export interface DemoThreadReport {
  /** Of all its miners, since the last report. */
  readonly hashesPerSecond: number;
}

export interface DemoMinersOptions extends DemoThreadData {
  onHashrate(hashesPerSecond: number): void;
}

/** Share of a new measurement in the hashrate that is told: a busy second must not make the chain jump. */
const SMOOTHING = 0.2;
const STOP_MS = 1_000;

export class DemoMiners {
  readonly #options: DemoMinersOptions;
  readonly #log: Logger;
  #worker: Worker | undefined;
  #hashrate: number | undefined;

  constructor(options: DemoMinersOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  start(): void {
    const { count, duty, address, authorityKey } = this.#options;
    const workerData: DemoThreadData = { count, duty, address, authorityKey };
    const worker = startThread(new URL('./demo-miners-thread.ts', import.meta.url), {
      workerData,
    });
    this.#worker = worker;
    worker.on('message', ({ hashesPerSecond }: DemoThreadReport) => this.#onHashrate(hashesPerSecond));
    worker.on('error', (error) => this.#log.error({ reason: messageOf(error) }, 'the demo miners have ended'));
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.postMessage('stop');
    const timer = setTimeout(() => void worker.terminate(), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  #onHashrate(measured: number): void {
    const before = this.#hashrate ?? measured;
    this.#hashrate = before + SMOOTHING * (measured - before);
    this.#options.onHashrate(this.#hashrate);
  }
}
