// What the pool's processes used up to each mark of a run.
import { type NamedProcess, type ProcessSample, sampleOf } from './measure/server-processes.ts';

/** Before the first connection; all are open; what is measured begins and ends. */
export type Mark = 'start' | 'opened' | 'begin' | 'end';

export interface ServerUse extends NamedProcess {
  /** A mark without a sample: the process was gone. */
  readonly samples: Readonly<Partial<Record<Mark, ProcessSample>>>;
}

export class ServerRecord {
  readonly #samples: readonly (NamedProcess & { readonly samples: Partial<Record<Mark, ProcessSample>> })[];

  constructor(processes: readonly NamedProcess[]) {
    this.#samples = processes.map((process) => ({ ...process, samples: {} }));
  }

  mark(mark: Mark): void {
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
