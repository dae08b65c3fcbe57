// One replica at a time looks through the registry for channels of gateways that are gone: all of them reading every key would be work
// for nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { acquireLease, type Lease } from '@sluice/bus/lease';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import { type Registry, SWEEP_MS } from './registry.ts';

const LEASE = { key: 'channel-registry', holder: 'channel-manager', ttlMs: 60_000 } as const;
const RETRY_PAUSE_MS = 1_000;

export interface RegistrySweeperModules {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  onSwept(removed: number): void;
}

export class RegistrySweeper {
  readonly #registry: Registry;
  readonly #modules: RegistrySweeperModules;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;

  constructor(registry: Registry, modules: RegistrySweeperModules) {
    this.#registry = registry;
    this.#modules = modules;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { bus, clock, log } = this.#modules;
    const { signal } = this.#abort;
    const outage = new OutageLog(() => clock.monotonic());
    while (!signal.aborted) {
      try {
        const lease = await acquireLease(LEASE, { bus, clock, sleep }, signal);
        await this.#sweepWhileHeld(lease).finally(() => lease.release());
        outage.over();
      } catch (error) {
        if (signal.aborted) return;
        log[outage.level()]({ reason: messageOf(error) }, 'the registry could not be looked through');
      }
      await sleep(RETRY_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #sweepWhileHeld(lease: Lease): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted && lease.isHeld()) {
      this.#modules.onSwept(await this.#registry.sweep());
      await Promise.race([lease.lost, sleep(SWEEP_MS, undefined, { signal }).catch(() => undefined)]);
    }
  }
}
