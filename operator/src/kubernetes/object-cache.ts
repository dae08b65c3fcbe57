// The objects of one kind as the API server told of them last, found by key or by an index.
import { type KubernetesObject, keyOf } from './resource.ts';

export interface Change<T extends KubernetesObject> {
  /** Undefined when the object is gone. */
  readonly object?: T;
  /** Undefined when the object is new. */
  readonly previous?: T;
}

/** Values under which an object is found. */
export type IndexOf<T> = (object: T) => readonly string[];

export class ObjectCache<T extends KubernetesObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: ReadonlyMap<string, { readonly of: IndexOf<T>; readonly keys: Map<string, Set<string>> }>;
  readonly #listeners: ((change: Change<T>) => void)[] = [];

  /** @param indexes by their names */
  constructor(indexes: Readonly<Record<string, IndexOf<T>>> = {}) {
    this.#indexes = new Map(Object.entries(indexes).map(([name, of]) => [name, { of, keys: new Map() }]));
  }

  /** Called with every change, in order; must not throw. */
  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener);
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** Objects that the index has under the value, in no order. */
  find(index: string, value: string): readonly T[] {
    const keys = this.#indexes.get(index)?.keys.get(value) ?? [];
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  put(object: T): void {
    const key = keyOf(object.metadata);
    const previous = this.#objects.get(key);
    if (previous !== undefined) this.#unindex(key, previous);
    this.#objects.set(key, object);
    for (const { of, keys } of this.#indexes.values()) {
      for (const value of of(object)) addTo(keys, value, key);
    }
    this.#tell(previous === undefined ? { object } : { object, previous });
  }

  remove(key: string): void {
    const previous = this.#objects.get(key);
    if (previous === undefined) return;
    this.#unindex(key, previous);
    this.#objects.delete(key);
    this.#tell({ previous });
  }

  /** What there is now, from a whole list: of one namespace, or without one of all. Listeners hear of what differs alone. */
  replace(objects: readonly T[], namespace?: string): void {
    const listed = new Set(objects.map(({ metadata }) => keyOf(metadata)));
    const gone = [...this.#objects].filter(
      ([key, { metadata }]) => !listed.has(key) && (namespace === undefined || metadata.namespace === namespace),
    );
    for (const [key] of gone) this.remove(key);
    for (const object of objects) {
      const { uid, resourceVersion } = this.#objects.get(keyOf(object.metadata))?.metadata ?? {};
      if (uid === object.metadata.uid && resourceVersion === object.metadata.resourceVersion) continue;
      this.put(object);
    }
  }

  #unindex(key: string, object: T): void {
    for (const { of, keys } of this.#indexes.values()) {
      for (const value of of(object)) {
        const found = keys.get(value);
        found?.delete(key);
        if (found?.size === 0) keys.delete(value);
      }
    }
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function addTo(sets: Map<string, Set<string>>, value: string, key: string): void {
  const set = sets.get(value);
  if (set === undefined) sets.set(value, new Set([key]));
  else set.add(key);
}
