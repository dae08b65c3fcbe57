// The end of a process, in order: what was started last stops first, each step within its deadline. SIGTERM and SIGINT
// begin it; a second signal forces it.
import { messageOf } from './errors.ts';
import type { Logger } from './logger.ts';

/** A step that takes longer is left behind and reported. */
export const DEFAULT_STEP_DEADLINE_MS = 10_000;

interface Step {
  readonly name: string;
  readonly stop: () => Promise<void> | void;
  readonly deadlineMs: number;
}

export class Shutdown {
  readonly #log: Logger;
  readonly #steps: Step[] = [];
  readonly #requested: Promise<string>;
  #request: (reason: string) => void = () => undefined;
  #running: Promise<boolean> | undefined;
  #failed = false;

  constructor(log: Logger) {
    this.#log = log;
    this.#requested = new Promise((resolve) => {
      this.#request = resolve;
    });
  }

  /** Adds what must be undone; steps run in the reverse order of their adding. */
  add(name: string, stop: () => Promise<void> | void, deadlineMs: number = DEFAULT_STEP_DEADLINE_MS): void {
    this.#steps.push({ name, stop, deadlineMs });
  }

  /** Asks for the end: by a signal, or by a part that cannot go on. */
  request(reason: string): void {
    this.#request(reason);
  }

  /** Asks for the end of a process that is not to be trusted any more: however well it ends, it has failed. */
  fail(reason: string): void {
    this.#failed = true;
    this.#request(reason);
  }

  /** Resolves with the reason when somebody has asked. */
  requested(): Promise<string> {
    return this.#requested;
  }

  /** Runs every step once; resolves with whether all ended well and in time, and nothing had failed. */
  async run(): Promise<boolean> {
    this.#running ??= this.#runSteps();
    return (await this.#running) && !this.#failed;
  }

  async #runSteps(): Promise<boolean> {
    let clean = true;
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const failure = await runStep(step);
      if (failure === undefined) continue;
      clean = false;
      this.#log.error({ step: step.name, reason: failure }, 'a step of the shutdown failed');
    }
    return clean;
  }
}

/** Resolves with what went wrong, if anything. */
async function runStep({ stop, deadlineMs }: Step): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`stop-timeout: not done after ${deadlineMs} ms`), deadlineMs);
  });
  try {
    return await Promise.race([Promise.resolve(stop()).then(() => undefined), late]);
  } catch (error) {
    return messageOf(error);
  } finally {
    clearTimeout(timer);
  }
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const SIGNAL_NUMBER = { SIGTERM: 15, SIGINT: 2 } as const;

/** A terminal signals all processes in front, and npm or a launcher among them passes the same signal on. */
const SAME_SIGNAL_MS = 1_000;

/** Turns signals into a request; a second one exits at once with 128 + its number. Returns how to stop listening. */
export function shutdownOnSignals(shutdown: Shutdown, log: Logger): () => void {
  let firstAt: number | undefined;
  const onSignal = (signal: (typeof SIGNALS)[number]) => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      shutdown.request(signal);
    } else if (now - firstAt > SAME_SIGNAL_MS) {
      log.warn({ signal }, 'second signal: leaving at once');
      process.exit(128 + SIGNAL_NUMBER[signal]);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}
