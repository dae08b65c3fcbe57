// What the pool's processes used up to each mark of a run.
import { monotonicMs } from './measure/monotonic.ts';
import { type NamedProcess, type ProcessSample, sampleOf } from './measure/server-processes.ts';

/** Before the first connection; all are open; what is measured begins and ends; every share is answered, and settled where the run waits for that. */
export type Mark = 'start' | 'opened' | 'begin' | 'end' | 'settled';

export interface ServerUse extends NamedProcess {
  /** A mark without a sample: the process was gone. */
  readonly samples: Readonly<Partial<Record<Mark, ProcessSample>>>;
}

export class ServerRecord {
  /** Monotonic milliseconds, the last time of each. */
  readonly marks = new Map<Mark, number>();
  readonly #samples: readonly (NamedProcess & { readonly samples: Partial<Record<Mark, ProcessSample>> })[];

  constructor(processes: readonly NamedProcess[]) {
    this.#samples = processes.map((process) => ({ ...process, samples: {} }));
  }

  mark(mark: Mark): void {
    this.marks.set(mark, monotonicMs());
    for (const server of this.#samples) {
      const sample = sampleOf(server);
      if (sample === undefined) delete server.samples[mark];
      else server.samples[mark] = sample;
    }
  }

  get servers(): readonly ServerUse[] {
    return this.#samples;
  }
}

/** Seconds; NaN without both samples. */
export const cpuBetween = ({ samples }: ServerUse, from: Mark, to: Mark): number =>
  (samples[to]?.cpuSeconds ?? Number.NaN) - (samples[from]?.cpuSeconds ?? Number.NaN);
/** Of that, in the kernel. */
export const systemBetween = ({ samples }: ServerUse, from: Mark, to: Mark): number =>
  (samples[to]?.systemSeconds ?? Number.NaN) - (samples[from]?.systemSeconds ?? Number.NaN);
/** Bytes; NaN without a sample. */
export const rssAt = ({ samples }: ServerUse, mark: Mark): number => samples[mark]?.rssBytes ?? Number.NaN;
