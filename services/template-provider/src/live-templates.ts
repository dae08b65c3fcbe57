// Which templates miners work on: what the feed of jobs says. Read from the stream alone, without the live records ahead of
// it: nothing here is in a hurry, and what is stored is never taken back.
import type { Bus, Consumer } from '@sluice/bus/bus';
import { JobRecord, type NewJob } from '@sluice/bus/payloads/job-record';
import { subjects } from '@sluice/bus/subjects';
import type { TemplateName } from './template-store.ts';

const { name: SUBJECT, stream: STREAM } = subjects.jobs;
const BATCH = 128;
const RETRY_MS = 1_000;

export interface LiveTemplatesModules {
  readonly bus: Bus;
  /** The templates of the active job and of the one that is to be activated; called first when all that is stored was read. */
  onChange(live: readonly TemplateName[]): void;
  onFailure(error: unknown): void;
  sleep(ms: number): Promise<void>;
}

export class LiveTemplates {
  readonly #modules: LiveTemplatesModules;
  #consumer: Consumer | undefined;
  #opening: Promise<void> = Promise.resolve();
  #closed = false;
  /** Sequence of the newest record at the start: what was current then is known from here on. */
  #knownFrom = 0;
  #active: NewJob | undefined;
  #future: NewJob | undefined;

  constructor(modules: LiveTemplatesModules) {
    this.#modules = modules;
  }

  /** Goes on trying while the bus is away. */
  start(): void {
    this.#opening = this.#open();
  }

  async stop(): Promise<void> {
    this.#closed = true;
    await this.#opening;
    await this.#consumer?.close();
  }

  async #open(): Promise<void> {
    const { onFailure, sleep } = this.#modules;
    while (!this.#closed && this.#consumer === undefined) {
      try {
        this.#consumer = await this.#consume();
      } catch (error) {
        onFailure(error);
        await sleep(RETRY_MS);
      }
    }
  }

  async #consume(): Promise<Consumer> {
    const { bus } = this.#modules;
    const newest = await bus.last(STREAM, SUBJECT);
    this.#knownFrom = newest?.sequence ?? 0;
    const fromSequence = newest === undefined ? 1 : Number(JobRecord.decode(newest.payload).replayFrom);
    if (newest === undefined) this.#modules.onChange([]);
    return bus.consume(STREAM, { filter: SUBJECT, fromSequence, batch: BATCH }, ({ sequence, payload }) => {
      try {
        this.#apply(JobRecord.decode(payload));
      } catch (error) {
        this.#modules.onFailure(error);
      }
      if (sequence >= this.#knownFrom) this.#modules.onChange(this.#live());
    });
  }

  #apply(record: JobRecord): void {
    if (record.kind === 'newJob') {
      if (record.future) this.#future = record;
      else this.#active = record;
    } else if (this.#future?.jobId === record.jobId) {
      this.#active = this.#future;
      this.#future = undefined;
    }
  }

  #live(): readonly TemplateName[] {
    return [this.#active, this.#future].filter((job) => job !== undefined && job.templateId !== 0n) as NewJob[];
  }
}
