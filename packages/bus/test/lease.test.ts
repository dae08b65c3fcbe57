import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock } from '@sluice/runtime/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus, Kv } from '../src/bus.ts';
import { BusError } from '../src/errors.ts';
import { createInProcessBus } from '../src/in-process/in-process-bus.ts';
import { acquireLease, type Lease } from '../src/lease.ts';

const ttlMs = 240;
let bus: Bus;
let aborts: AbortController[];

beforeEach(async () => {
  bus = await createInProcessBus();
  aborts = [];
});
afterEach(async () => {
  for (const abort of aborts) abort.abort();
  await bus.close();
});

interface Contender {
  readonly lease: Promise<Lease>;
  readonly abort: AbortController;
}

function contend(holder: string, over: Bus = bus, clock: Clock = systemClock): Contender {
  const abort = new AbortController();
  aborts.push(abort);
  const lease = acquireLease({ key: 'k', holder, ttlMs }, { bus: over, clock, sleep }, abort.signal);
  lease.catch(() => undefined);
  return { lease, abort };
}

const within = <T>(promise: Promise<T>, ms: number): Promise<T | 'not yet'> =>
  Promise.race([promise, sleep(ms).then(() => 'not yet' as const)]);

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

describe('lease', () => {
  it('is held by one, renewed, and given up to the next with a higher epoch', async () => {
    const first = await contend('a').lease;
    const second = contend('b').lease;
    expect(await within(second, 3 * ttlMs)).toBe('not yet');
    expect(first.isHeld()).toBe(true);
    await first.release();
    expect(first.isHeld()).toBe(false);
    const next = await second;
    expect(next.isHeld()).toBe(true);
    expect(next.epoch).toBeGreaterThan(first.epoch);
    await next.release();
  });

  it('is never held by two, also of one name, whoever comes and goes', async () => {
    const held = new Set<Lease>();
    let most = 0;
    const worker = async () => {
      for (let round = 0; round < 6; round++) {
        const lease = await contend('same').lease;
        held.add(lease);
        most = Math.max(most, [...held].filter((other) => other.isHeld()).length);
        await sleep(5);
        held.delete(lease);
        await lease.release();
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    expect(most).toBe(1);
  });

  it('ends by itself, before anybody else can have it, when renewals get nowhere', async () => {
    const { bus: cut, state } = freezable(bus);
    const first = await contend('a', cut).lease;
    const second = contend('b').lease;
    await sleep(ttlMs);
    state.frozen = true;
    const frozenAt = performance.now();
    await first.lost;
    const lostAfter = performance.now() - frozenAt;
    expect(lostAfter).toBeLessThan(ttlMs * 0.75);
    expect(first.isHeld()).toBe(false);
    const next = await second;
    expect(performance.now() - frozenAt).toBeGreaterThan(ttlMs * 0.8);
    expect(next.epoch).toBeGreaterThan(first.epoch);
  });

  it('is known not to be held after a sleep longer than its time, before any renewal has told', async () => {
    let ahead = 0;
    const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() + ahead };
    const lease = await contend('a', bus, clock).lease;
    expect(lease.isHeld()).toBe(true);
    ahead = ttlMs;
    expect(lease.isHeld()).toBe(false);
    await lease.lost;
  });

  it('outlives a renewal whose answer was lost', async () => {
    let losing = 2;
    const lossy = new Proxy(bus, {
      get(target, key) {
        if (key === 'kv')
          return async (name: 'leases') => {
            const kv = await target.kv(name);
            return Object.assign(Object.create(kv), {
              get: kv.get.bind(kv),
              create: kv.create.bind(kv),
              update: async (...args: Parameters<Kv['update']>) => {
                const revision = await kv.update(...args);
                if (losing-- > 0) throw new BusError('bus-timeout', 'answer lost');
                return revision;
              },
            });
          };
        const value = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const lease = await contend('a', lossy).lease;
    await sleep(3 * ttlMs);
    expect(losing).toBeLessThan(0);
    expect(lease.isHeld()).toBe(true);
    await lease.release();
  });

  it('stops waiting when it is told to', async () => {
    const first = await contend('a').lease;
    const { lease, abort } = contend('b');
    abort.abort();
    await expect(lease).rejects.toThrow();
    await first.release();
  });
});
