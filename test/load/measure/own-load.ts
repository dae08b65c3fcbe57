// Whether a worker keeps up: what it takes of a core, and how late its event loop is.
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface OwnLoadData {
  /** Of one core; threads of the runtime included. */
  readonly cpu: number;
  /** Part of the time that the event loop was not waiting. */
  readonly busy: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const STEP_MS = 5;

export class OwnLoad {
  readonly #delay = monitorEventLoopDelay({ resolution: STEP_MS });
  #cpu = process.cpuUsage();
  #loop = performance.eventLoopUtilization();
  #at = performance.now();

  begin(): void {
    this.#cpu = process.cpuUsage();
    this.#loop = performance.eventLoopUtilization();
    this.#at = performance.now();
    this.#delay.reset();
    this.#delay.enable();
  }

  end(): OwnLoadData {
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#delay.disable();
    return {
      cpu: (user + system) / 1_000 / (performance.now() - this.#at),
      busy: performance.eventLoopUtilization(this.#loop).utilization,
      delayP99Ms: late(this.#delay.percentile(99)),
      delayMaxMs: late(this.#delay.max),
    };
  }
}

/** The monitor's values hold its own step. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - STEP_MS);
}
