// A bucket over NATS key-value. A deletion is a mark in the place of the value, which the server forgets after a while.

import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { KV, KvWatchEntry, KvEntry as NatsEntry } from '@nats-io/kv';
import type { QueuedIterator } from '@nats-io/nats-core';
import type { Kv, KvChange, KvEntry, Subscription } from '../bus.ts';
import { BusError } from '../errors.ts';
import type { Connection } from './nats-connection.ts';
import { ownBytes } from './nats-consumer.ts';
import { isWrongSequence, toBusError } from './nats-errors.ts';

const CALL_TIMEOUT_MS = 5_000;
const RETRY_PAUSE_MS = 250;
/** How long a deletion can be told to a watcher that was cut off. */
const MARKER_TTL = '10s';

export class NatsKv implements Kv {
  readonly #connection: Connection;
  readonly #bucket: KV;
  readonly #onError: (error: unknown) => void;
  #markersExpire: Promise<void> | undefined;

  constructor(connection: Connection, bucket: KV, onError: (error: unknown) => void) {
    this.#connection = connection;
    this.#bucket = bucket;
    this.#onError = onError;
  }

  async get(key: string): Promise<KvEntry | undefined> {
    const entry = await this.#call(key, () => this.#bucket.get(key));
    return entry === null || isGone(entry)
      ? undefined
      : { key, value: ownBytes(entry.value), revision: entry.revision };
  }

  create(key: string, value: Uint8Array): Promise<number> {
    return this.#call(key, () => this.#bucket.create(key, new Uint8Array(value)));
  }

  update(key: string, value: Uint8Array, revision: number): Promise<number> {
    return this.#call(key, () => this.#bucket.update(key, new Uint8Array(value), revision));
  }

  put(key: string, value: Uint8Array): Promise<number> {
    return this.#call(key, () => this.#bucket.put(key, new Uint8Array(value)));
  }

  async delete(key: string, revision?: number): Promise<void> {
    await this.#call(key, () => this.#letMarkersExpire());
    const options = revision === undefined ? {} : { previousSeq: revision };
    await this.#call(key, () => this.#bucket.purge(key, { ...options, ttl: MARKER_TTL }));
  }

  /** Once for each bucket: the library opens one without it. */
  #letMarkersExpire(): Promise<void> {
    this.#markersExpire ??= this.#allowMessageTtl().catch((error: unknown) => {
      this.#markersExpire = undefined;
      throw error;
    });
    return this.#markersExpire;
  }

  async #allowMessageTtl(): Promise<void> {
    const { streamInfo } = await this.#bucket.status();
    const { config } = streamInfo;
    if (config.allow_msg_ttl === true) return;
    const manager = await jetstreamManager(this.#connection.nats, { checkAPI: false });
    await manager.streams.update(config.name, { ...config, allow_msg_ttl: true });
  }

  async keys(): Promise<string[]> {
    return this.#call('keys', async () => {
      const found: string[] = [];
      for await (const key of await this.#bucket.keys()) found.push(key);
      return found;
    });
  }

  async #call<T>(key: string, call: () => Promise<T>): Promise<T> {
    await this.#connection.whenUp(CALL_TIMEOUT_MS);
    try {
      return await this.#connection.untilLost(call());
    } catch (error) {
      if (isWrongSequence(error))
        throw new BusError('bus-revision-conflict', `${key} was changed by somebody else`, error);
      throw toBusError(error, key);
    }
  }

  async watch(onChange: (change: KvChange) => void): Promise<Subscription> {
    let open = true;
    let entries: QueuedIterator<KvWatchEntry> | undefined;
    // Revisions grow over the whole bucket: a watch that begins again skips what was told before.
    let told = 0;
    const follow = async () => {
      while (open) {
        try {
          await this.#connection.whenUp(CALL_TIMEOUT_MS);
          entries = await this.#bucket.watch();
          for await (const entry of entries) {
            if (!open || entry.revision <= told) continue;
            told = entry.revision;
            onChange(toChange(entry));
          }
        } catch (error) {
          if (open && this.#connection.status === 'up') this.#onError(error);
        }
        if (open) await sleep(RETRY_PAUSE_MS);
      }
    };
    const restart = this.#connection.onStatus(() => entries?.stop());
    void follow();
    return {
      close: () => {
        open = false;
        restart.close();
        entries?.stop();
      },
    };
  }
}

const isGone = (entry: NatsEntry): boolean => entry.operation !== 'PUT';

function toChange(entry: NatsEntry): KvChange {
  const value = isGone(entry) ? undefined : ownBytes(entry.value);
  return { key: entry.key, value, revision: entry.revision };
}
