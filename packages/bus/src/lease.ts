// Who may do what only one may do. A lease is a key that its holder renews; the revision with which it was taken is the epoch that its
// writes carry. A holder that could not renew for half the time to live stops of its own accord, a contender waits for the whole of it
// by its own clock: with that margin no clock of another machine is trusted. A write of a holder that slept is told by its epoch.
import type { Clock } from '@sluice/runtime/clock';
import { randomBytes } from '@sluice/runtime/random';
import type { Bus, Kv, KvEntry } from './bus.ts';
import { ByteReader, ByteWriter } from './byte-cursor.ts';
import { isBusError } from './errors.ts';

export interface LeaseOptions {
  /** Key in the bucket `leases`. */
  readonly key: string;
  /** Names the contender; two with one name are still two. */
  readonly holder: string;
  readonly ttlMs: number;
}

/** A lease that is held, until `lost` says otherwise. */
export interface Lease {
  /** Grows with every change of holder. */
  readonly epoch: bigint;
  /** Checks the clock too: false from the moment on at which somebody else might hold it. */
  isHeld(): boolean;
  /** Resolves, once, when the lease is no longer held. */
  readonly lost: Promise<void>;
  /** Gives it up so that the next contender need not wait. */
  release(): Promise<void>;
}

interface LeaseModules {
  readonly bus: Bus;
  readonly clock: Clock;
  /** Resolves after `ms`, or rejects when the signal aborts. */
  readonly sleep: (ms: number, value: undefined, options: { signal?: AbortSignal }) => Promise<unknown>;
}

const RENEWALS_PER_TTL = 6;
/** A renewal that failed is tried again so much sooner. */
const RETRIES_PER_STEP = 4;

/** Waits until the lease is ours. Rejects when `signal` aborts; troubles of the bus are waited out. */
export async function acquireLease(options: LeaseOptions, modules: LeaseModules, signal: AbortSignal): Promise<Lease> {
  const { bus, clock, sleep } = modules;
  const step = options.ttlMs / RENEWALS_PER_TTL;
  let seen: { revision: number; at: number } | undefined;
  const mark: Mark = { holder: options.holder, nonce: randomBytes(16) };
  for (;;) {
    signal.throwIfAborted();
    try {
      const kv = await bus.kv('leases');
      const entry = await kv.get(options.key);
      if (entry === undefined || seen?.revision !== entry.revision) {
        seen = entry === undefined ? undefined : { revision: entry.revision, at: clock.monotonic() };
      }
      // Ours, of a taking whose answer was lost: nobody holds it.
      const isOwn = entry !== undefined && sameBytes(entry.value, encodeLease(mark, false));
      const isOver = clock.monotonic() - (seen?.at ?? 0) >= options.ttlMs;
      const free = entry === undefined || isOwn || isReleased(entry) || isOver;
      const before = clock.monotonic();
      const revision = free ? await take(kv, options.key, mark, entry) : undefined;
      if (revision !== undefined) {
        const lease = new HeldLease(kv, options, mark, modules, revision, before);
        if (!signal.aborted) return lease;
        // Nobody waits for it any more.
        await lease.release();
      }
    } catch (error) {
      if (!isBusError(error)) throw error;
    }
    await sleep(step, undefined, { signal });
  }
}

/** The revision, or undefined when somebody else was first. */
async function take(kv: Kv, key: string, mark: Mark, entry: KvEntry | undefined): Promise<number | undefined> {
  try {
    const value = encodeLease(mark, false);
    return entry === undefined ? await kv.create(key, value) : await kv.update(key, value, entry.revision);
  } catch (error) {
    if (isBusError(error, 'bus-revision-conflict')) return undefined;
    throw error;
  }
}

class HeldLease implements Lease {
  readonly epoch: bigint;
  readonly lost: Promise<void>;
  readonly #kv: Kv;
  readonly #options: LeaseOptions;
  readonly #mark: Mark;
  readonly #modules: LeaseModules;
  readonly #renewing: Promise<void>;
  #revision: number;
  /** When the last successful renewal was sent, by the monotonic clock. */
  #renewedAt: number;
  #held = true;
  #isGivenUp = false;
  /** Ends the wait that is on. */
  #wake = new AbortController();

  constructor(kv: Kv, options: LeaseOptions, mark: Mark, modules: LeaseModules, revision: number, takenAt: number) {
    this.epoch = BigInt(revision);
    this.#kv = kv;
    this.#options = options;
    this.#mark = mark;
    this.#modules = modules;
    this.#revision = revision;
    this.#renewedAt = takenAt;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.lost = promise;
    this.#renewing = this.#renew().finally(() => {
      this.#held = false;
      resolve();
    });
  }

  isHeld(): boolean {
    return this.#held && this.#modules.clock.monotonic() - this.#renewedAt < this.#options.ttlMs / 2;
  }

  async #renew(): Promise<void> {
    const { ttlMs, key } = this.#options;
    const { clock } = this.#modules;
    const step = ttlMs / RENEWALS_PER_TTL;
    let pause = step;
    while (!this.#isGivenUp) {
      await this.#wait(pause);
      if (this.#isGivenUp || !this.isHeld()) return;
      const sentAt = clock.monotonic();
      try {
        // A call that hangs must not keep the holder from noticing that its time is over.
        const left = ttlMs / 2 - (sentAt - this.#renewedAt);
        const update = this.#kv.update(key, encodeLease(this.#mark, false), this.#revision);
        const revision = await this.#within(left, update);
        if (typeof revision !== 'number') return;
        this.#revision = revision;
        this.#renewedAt = sentAt;
        pause = step;
      } catch (error) {
        if (!isBusError(error)) throw error;
        pause = step / RETRIES_PER_STEP;
        if (isBusError(error, 'bus-revision-conflict') && !(await this.#isOwnWrite())) return;
      }
    }
  }

  /** What the call brings; undefined when it takes longer than `ms`, or the lease is given up meanwhile. */
  async #within<T>(ms: number, call: Promise<T>): Promise<T | undefined> {
    try {
      return await Promise.race([call, this.#wait(ms)]);
    } finally {
      this.#wake.abort();
    }
  }

  /**
   * Each wait has a signal to itself: what has ever listened to one that lives long refers to those who listened after it, and once old
   * keeps them all until the whole heap is collected.
   */
  #wait(ms: number): Promise<undefined> {
    this.#wake = new AbortController();
    return this.#modules.sleep(ms, undefined, { signal: this.#wake.signal }).then(nothing, nothing);
  }

  /** A renewal whose answer was lost has moved the revision on: the entry is then still ours. */
  async #isOwnWrite(): Promise<boolean> {
    try {
      const entry = await this.#kv.get(this.#options.key);
      if (entry === undefined || !sameBytes(entry.value, encodeLease(this.#mark, false))) return false;
      this.#revision = entry.revision;
      return true;
    } catch (error) {
      if (!isBusError(error)) throw error;
      return true;
    }
  }

  async #giveUp(): Promise<void> {
    await this.#kv.update(this.#options.key, encodeLease(this.#mark, true), this.#revision);
  }

  async release(): Promise<void> {
    this.#isGivenUp = true;
    this.#wake.abort();
    await this.#renewing;
    try {
      await this.#giveUp().catch(async (error: unknown) => {
        // A renewal was on its way and has moved the revision on.
        if (!isBusError(error, 'bus-revision-conflict') || !(await this.#isOwnWrite())) throw error;
        await this.#giveUp();
      });
    } catch (error) {
      // Somebody else holds it already, or the bus is away: then it runs out by itself.
      if (!isBusError(error)) throw error;
    }
  }
}

const nothing = (): undefined => undefined;

const LEASE_VERSION = 1;

/** What a holder knows its own entry by; the name alone is for people. */
interface Mark {
  readonly holder: string;
  readonly nonce: Uint8Array;
}

function encodeLease({ holder, nonce }: Mark, released: boolean): Uint8Array {
  const out = new ByteWriter();
  out.u8(LEASE_VERSION);
  out.u8(released ? 1 : 0);
  out.text(holder);
  out.raw(nonce);
  return out.finish();
}

function isReleased(entry: KvEntry): boolean {
  const input = new ByteReader(entry.value);
  return input.u8() === LEASE_VERSION && input.u8() === 1;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
