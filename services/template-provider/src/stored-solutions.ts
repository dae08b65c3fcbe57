// Solutions from the durable stream. The durable stays at a record until a node has answered it, so that a restart begins
// there again; a reader beside it hands over what stands behind it at once, so that a solution that waits for its transactions or for
// a node holds up no other.
import type { Bus, Consumer } from '@sluice/bus/bus';
import { subjectName } from '@sluice/bus/subjects';

/** Solutions of the reader that may be under way; further ones wait in the stream. */
export const SOLUTIONS_AHEAD_BOUND = 64;
/** Records fetched ahead of it. */
const BATCH = 8;

export interface StoredSolutionsModules {
  readonly bus: Bus;
  /** Resolves when a node has answered; knows a solution that it has been given already. */
  handle(payload: Uint8Array): Promise<unknown>;
  /** The durable gives the record again. */
  onFailure(error: unknown): void;
}

export class StoredSolutions {
  readonly #modules: StoredSolutionsModules;
  readonly #filter = subjectName('solution');
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #stopped = Promise.withResolvers<never>();
  #durable: Consumer | undefined;
  #ahead: Promise<Consumer | undefined> | undefined;

  constructor(modules: StoredSolutionsModules) {
    this.#modules = modules;
    this.#stopped.promise.catch(() => undefined);
  }

  /** @param durable name under which the position is kept. */
  async open(durable: string): Promise<void> {
    const { bus, handle, onFailure } = this.#modules;
    this.#durable = await bus.consume(
      'SOLUTIONS',
      { filter: this.#filter, durable, batch: BATCH },
      async ({ sequence, payload }) => {
        const handled = handle(payload);
        this.#ahead ??= this.#readFrom(sequence + 1).catch((error: unknown) => {
          this.#ahead = undefined;
          onFailure(error);
          return undefined;
        });
        await Promise.race([handled, this.#stopped.promise]);
      },
    );
  }

  async close(): Promise<void> {
    this.#stopped.reject(new Error('the provider stops'));
    await Promise.all([this.#durable?.close(), this.#ahead?.then((consumer) => consumer?.close())]);
  }

  #readFrom(fromSequence: number): Promise<Consumer> {
    const { bus, handle, onFailure } = this.#modules;
    return bus.consume('SOLUTIONS', { filter: this.#filter, fromSequence, batch: BATCH }, async ({ payload }) => {
      const given = handle(payload)
        .catch(onFailure)
        .finally(() => this.#underWay.delete(given));
      this.#underWay.add(given);
      if (this.#underWay.size >= SOLUTIONS_AHEAD_BOUND) {
        await Promise.race([...this.#underWay, this.#stopped.promise]);
      }
    });
  }
}
