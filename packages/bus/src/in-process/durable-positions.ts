// Where the durables of the in-process bus stand. Saved a moment late: what is not saved at a crash is delivered again.
import { ByteReader, ByteWriter } from '../byte-cursor.ts';
import { KvStore } from './kv-store.ts';
import type { OnTornEnd } from './segment-file.ts';
import type { Position } from './stream-consumer.ts';

const SAVE_AFTER_MS = 100;

export class DurablePositions {
  readonly #store: KvStore;
  readonly #onError: (error: unknown) => void;
  readonly #positions = new Map<string, Position>();
  readonly #saved: ReadonlyMap<string, number>;
  readonly #dirty = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(store: KvStore, saved: ReadonlyMap<string, number>, onError: (error: unknown) => void) {
    this.#store = store;
    this.#saved = saved;
    this.#onError = onError;
  }

  static async open(
    path: string | undefined,
    deliver: (call: () => void) => void,
    onError: (error: unknown) => void,
    onTornEnd: OnTornEnd,
  ): Promise<DurablePositions> {
    const store = await KvStore.open(path, deliver, onTornEnd);
    const saved = new Map<string, number>();
    for (const key of await store.keys()) {
      const entry = await store.get(key);
      if (entry !== undefined) saved.set(key, new ByteReader(entry.value).u48());
    }
    return new DurablePositions(store, saved, onError);
  }

  /** The one position of this durable, `fromSequence` if it has none yet. */
  of(key: string, fromSequence: number): Position {
    const present = this.#positions.get(key);
    if (present !== undefined) return present;
    const position: Position = {
      next: this.#saved.get(key) ?? fromSequence,
      turn: Promise.resolve(),
      saved: () => {
        this.#dirty.add(key);
        this.#timer ??= setTimeout(() => void this.#save().catch(this.#onError), SAVE_AFTER_MS);
      },
    };
    this.#positions.set(key, position);
    return position;
  }

  async #save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const keys = [...this.#dirty];
    this.#dirty.clear();
    await Promise.all(
      keys.map((key) => {
        const out = new ByteWriter();
        out.u48(this.#positions.get(key)?.next ?? 1);
        return this.#store.put(key, out.finish());
      }),
    );
  }

  async close(): Promise<void> {
    await this.#save();
    await this.#store.close();
  }
}
