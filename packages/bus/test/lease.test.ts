// Leases in a time of the test's own: it passes only where a test lets it, so that no busy machine decides an outcome.
import type { Clock } from '@sluice/runtime/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus, Kv } from '../src/bus.ts';
import { BusError } from '../src/errors.ts';
import { createInProcessBus } from '../src/in-process/in-process-bus.ts';
import { acquireLease, type Lease } from '../src/lease.ts';

const ttlMs = 6_000;

class TestTime implements Clock {
  #now = 0;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  readonly sleep = (ms: number, _value?: undefined, { signal }: { signal?: AbortSignal } = {}): Promise<void> => {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const sleeper = { at: this.#now + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  };

  /** Lets time pass from sleeper to sleeper. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const [next] = [...this.#sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      this.#sleepers.delete(next);
      next.wake();
    }
    this.#now = end;
    await settled();
  }

  /** As when the process was suspended: time is gone and nobody was woken. */
  skip(ms: number): void {
    this.#now += ms;
  }
}

/** What needs no time is done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

let bus: Bus;
let time: TestTime;
let aborts: AbortController[];

beforeEach(async () => {
  bus = await createInProcessBus();
  time = new TestTime();
  aborts = [];
});
afterEach(async () => {
  for (const abort of aborts) abort.abort();
  await bus.close();
});

interface Contender {
  readonly lease: Promise<Lease>;
  readonly abort: AbortController;
  /** The lease once it is had, and when that was. */
  held: Lease | undefined;
  heldAt: number;
}

function contend(holder: string, over: Bus = bus): Contender {
  const abort = new AbortController();
  aborts.push(abort);
  const modules = { bus: over, clock: time, sleep: time.sleep };
  const lease = acquireLease({ key: 'k', holder, ttlMs }, modules, abort.signal);
  const contender: Contender = { lease, abort, held: undefined, heldAt: Number.NaN };
  lease.then(
    (held) => Object.assign(contender, { held, heldAt: time.monotonic() }),
    () => undefined,
  );
  return contender;
}

/** A bus whose buckets hang while `frozen` is set, as for a process that sleeps or is cut off. */
function freezable(real: Bus): { bus: Bus; state: { frozen: boolean } } {
  const state = { frozen: false };
  const guard = (kv: Kv): Kv => ({
    ...kv,
    get: async (key) => (state.frozen ? hang() : kv.get(key)),
    create: async (key, value) => (state.frozen ? hang() : kv.create(key, value)),
    update: async (key, value, revision) => (state.frozen ? hang() : kv.update(key, value, revision)),
  });
  const hang = (): Promise<never> => new Promise(() => undefined);
  const proxy = new Proxy(real, {
    get(target, key) {
      if (key === 'kv') return async (name: 'leases') => guard(await target.kv(name));
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { bus: proxy, state };
}

/** A bus on which the first answers to `call` are lost: it was done all the same. */
function losingAnswers(call: 'create' | 'update', losing = 1): Bus {
  let left = losing;
  const lossy = (kv: Kv): Kv => ({
    ...kv,
    get: (key) => kv.get(key),
    create: async (key, value) => answer('create', await kv.create(key, value)),
    update: async (key, value, revision) => answer('update', await kv.update(key, value, revision)),
  });
  const answer = (of: typeof call, revision: number): number => {
    if (of !== call || left === 0) return revision;
    left -= 1;
    throw new BusError('bus-timeout', 'answer lost');
  };
  return new Proxy(bus, {
    get(target, key) {
      if (key === 'kv') return async (name: 'leases') => lossy(await target.kv(name));
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('lease', () => {
  it('is held by one, renewed, and given up to the next with a higher epoch', async () => {
    const first = await contend('a').lease;
    const second = contend('b');
    await time.pass(3 * ttlMs);
    expect(second.held).toBeUndefined();
    expect(first.isHeld()).toBe(true);
    await first.release();
    expect(first.isHeld()).toBe(false);
    await time.pass(ttlMs / 6);
    const next = second.held as Lease | undefined;
    expect(next?.isHeld()).toBe(true);
    expect(next?.epoch).toBeGreaterThan(first.epoch);
    await next?.release();
  });

  it('is never held by two, also of one name, whoever comes and goes', async () => {
    const held = new Set<Lease>();
    let most = 0;
    let rounds = 0;
    const worker = async () => {
      for (let round = 0; round < 6; round++) {
        const lease = await contend('same').lease;
        held.add(lease);
        most = Math.max(most, [...held].filter((other) => other.isHeld()).length);
        await time.sleep(125);
        held.delete(lease);
        await lease.release();
        rounds += 1;
      }
    };
    const working = Promise.all([worker(), worker(), worker()]);
    for (let passed = 0; passed < 100 && rounds < 18; passed++) await time.pass(ttlMs);
    await working;
    expect(most).toBe(1);
  });

  it('ends by itself, before anybody else can have it, when renewals get nowhere', async () => {
    const { bus: cut, state } = freezable(bus);
    const first = await contend('a', cut).lease;
    const second = contend('b');
    await time.pass(ttlMs);
    state.frozen = true;
    const frozenAt = time.monotonic();
    let lostAt = Number.NaN;
    void first.lost.then(() => {
      lostAt = time.monotonic();
    });
    await time.pass(2 * ttlMs);
    expect(lostAt - frozenAt).toBeLessThanOrEqual(ttlMs / 2);
    expect(first.isHeld()).toBe(false);
    // The last renewal may be a step before, and is seen a step after.
    expect(second.heldAt - frozenAt).toBeGreaterThanOrEqual(ttlMs - ttlMs / 6);
    expect(second.heldAt - frozenAt).toBeLessThanOrEqual(ttlMs + ttlMs / 3);
    expect(second.held?.epoch).toBeGreaterThan(first.epoch);
  });

  it('is known not to be held after a sleep longer than its time, before any renewal has told', async () => {
    const lease = await contend('a').lease;
    expect(lease.isHeld()).toBe(true);
    time.skip(ttlMs);
    expect(lease.isHeld()).toBe(false);
    await time.pass(0);
    await lease.lost;
  });

  it('outlives a renewal whose answer was lost', async () => {
    const lossy = losingAnswers('update', 2);
    const lease = await contend('a', lossy).lease;
    await time.pass(3 * ttlMs);
    expect(lease.isHeld()).toBe(true);
    await lease.release();
  });

  it('is had soon after a taking whose answer was lost', async () => {
    const contender = contend('a', losingAnswers('create'));
    await time.pass(ttlMs / 3);
    expect(contender.held?.isHeld()).toBe(true);
    await contender.held?.release();
  });

  it('is given up though the answer to a renewal was lost just before', async () => {
    const first = await contend('a', losingAnswers('update')).lease;
    const second = contend('b');
    await time.pass(ttlMs / 6);
    await first.release();
    await time.pass(ttlMs / 3);
    expect(second.held?.isHeld()).toBe(true);
    await second.held?.release();
  });

  it('is given up at once when it comes after nobody waits for it any more', async () => {
    const taking = Promise.withResolvers<void>();
    const slow = new Proxy(bus, {
      get(target, key) {
        if (key === 'kv')
          return async (name: 'leases') => {
            const kv = await target.kv(name);
            return Object.assign(Object.create(kv), {
              get: kv.get.bind(kv),
              update: kv.update.bind(kv),
              create: async (...args: Parameters<Kv['create']>) => {
                const revision = await kv.create(...args);
                await taking.promise;
                return revision;
              },
            });
          };
        const value = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const { lease, abort } = contend('a', slow);
    await settled();
    abort.abort();
    taking.resolve();
    await expect(lease).rejects.toThrow();
    const next = contend('b');
    await settled();
    expect(next.held?.isHeld()).toBe(true);
  });

  it('stops waiting when it is told to', async () => {
    const first = await contend('a').lease;
    const { lease, abort } = contend('b');
    await settled();
    abort.abort();
    await expect(lease).rejects.toThrow();
    await first.release();
  });
});
