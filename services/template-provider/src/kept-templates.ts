// The id of each template that is told, and its transactions on disk: one id and one body for a template, whoever tells of it.
import { type Clock, unixMicros } from '@sluice/runtime/clock';
import type { PreparedTemplate } from './prepare-template.ts';
import type { TemplateStore } from './template-store.ts';

/** Ids remembered as given here. */
const GIVEN_BOUND = 1_024;

export class KeptTemplates {
  readonly #provider: string;
  readonly #store: TemplateStore;
  readonly #clock: Clock;
  readonly #ids = new WeakMap<PreparedTemplate, bigint>();
  readonly #writing = new Map<bigint, Promise<unknown>>();
  readonly #given = new Set<bigint>();
  #lastId = 0n;

  constructor(provider: string, modules: { readonly store: TemplateStore; readonly clock: Clock }) {
    this.#provider = provider;
    this.#store = modules.store;
    this.#clock = modules.clock;
  }

  /** Later ids are larger than this one: the clock may have been set back since it was given. */
  startAfter(id: bigint): void {
    if (id > this.#lastId) this.#lastId = id;
  }

  /** Microseconds, so that it grows over restarts too; one more where two templates share one. */
  nextId(): bigint {
    const now = unixMicros(this.#clock);
    this.#lastId = now > this.#lastId ? now : this.#lastId + 1n;
    this.#given.add(this.#lastId);
    const [oldest] = this.#given;
    if (this.#given.size > GIVEN_BOUND && oldest !== undefined) this.#given.delete(oldest);
    return this.#lastId;
  }

  /** Whether this process has given the id, not long ago. */
  hasGiven(id: bigint): boolean {
    return this.#given.has(id);
  }

  /** A new one at the first call. */
  idOf(template: PreparedTemplate): bigint {
    const known = this.#ids.get(template);
    if (known !== undefined) return known;
    const id = this.nextId();
    this.#ids.set(template, id);
    return id;
  }

  /** Resolves when the transactions are on disk; with the reason when they are in memory only. */
  keep(template: PreparedTemplate): Promise<unknown> {
    const id = this.idOf(template);
    if (this.#store.has(this.#provider, id)) return Promise.resolve(undefined);
    let written = this.#writing.get(id);
    if (written === undefined) {
      written = this.#store.put(this.#provider, id, template.body).finally(() => this.#writing.delete(id));
      this.#writing.set(id, written);
    }
    return written;
  }
}
