// What each process of a pool is like over the time of a run: its memory, and for how long its event loop stood still.
import { messageOf } from '@sluice/runtime/errors';
import type { PoolProcesses } from '../../support/pool-processes.ts';
import { sampleOf } from '../measure/server-processes.ts';

const EVERY_MS = 5_000;
/** Of every service; the longest since it was asked last, and the most CPU time in one. */
const LAG_METRICS = ['nodejs_eventloop_lag_max_seconds', 'sluice_event_loop_lag_work_max_seconds'] as const;

export interface WatchedProcess {
  readonly name: string;
  readonly isNode: boolean;
  readonly memory: readonly MemorySample[];
  /** The most that its event loop was late, in milliseconds: at least so long it stood still. NaN of what is no Node. */
  readonly longestLateMs: number;
  /** The most that it worked while it was late: what it was late for longer, it waited for a core. NaN of what is no Node. */
  readonly longestWorkMs: number;
}

export interface Watch {
  readonly processes: readonly WatchedProcess[];
  /** Of which nothing is in the samples. */
  readonly failedLooks: number;
}

export interface MemorySample {
  /** Since the watch began. */
  readonly seconds: number;
  readonly rssBytes: number;
}

interface Watched {
  readonly name: string;
  readonly isNode: boolean;
  readonly pid: number;
  readonly memory: MemorySample[];
  longestLateMs: number;
  longestWorkMs: number;
  /** Late and at work; none: it is no Node. */
  lagSeconds(): Promise<readonly (number | undefined)[]>;
}

export class ProcessWatch {
  readonly #watched: readonly Watched[];
  readonly #beganAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<unknown> = Promise.resolve();
  /** Looks that a process did not answer. */
  #failed = 0;
  #stopped = false;

  /** Begins at once; stalls before do not count. */
  constructor(pool: PoolProcesses) {
    const services = pool.services.map((service) => ({
      ...{ name: service.name.replace(/-\d+$/, ''), isNode: true, pid: service.pid ?? 0 },
      lagSeconds: () => service.metrics(LAG_METRICS),
    }));
    const nats = { name: 'nats-server', isNode: false, pid: pool.nats.pid ?? 0, lagSeconds: async () => [] };
    this.#watched = [...services, nats].map((each) => ({
      ...{ ...each, memory: [], longestLateMs: Number.NaN, longestWorkMs: Number.NaN },
    }));
    this.#next(() => Promise.all(this.#watched.map(({ lagSeconds }) => lagSeconds())));
    this.#timer = setInterval(() => this.#next(() => this.#look()), EVERY_MS);
  }

  /** In the middle: the processes may end. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** Resolves with what was seen, of which nothing comes after this call. */
  async end(): Promise<Watch> {
    this.#next(() => this.#look());
    this.stop();
    await this.#looking;
    return { processes: this.#watched, failedLooks: this.#failed };
  }

  #next(look: () => Promise<unknown>): void {
    this.#looking = this.#looking.then(look).catch((error: unknown) => {
      this.#failed += 1;
      // Processes that end with a run that was broken off answer no more.
      if (!this.#stopped) process.stderr.write(`a look at the pool failed: ${messageOf(error)}\n`);
    });
  }

  async #look(): Promise<void> {
    const seconds = (performance.now() - this.#beganAt) / 1_000;
    for (const each of this.#watched) {
      const sample = sampleOf(each);
      if (sample !== undefined) each.memory.push({ seconds, rssBytes: sample.rssBytes });
      const [late, work] = await each.lagSeconds();
      if (late !== undefined) each.longestLateMs = Math.max(late * 1_000, each.longestLateMs || 0);
      if (work !== undefined) each.longestWorkMs = Math.max(work * 1_000, each.longestWorkMs || 0);
    }
  }
}
