// What a person does who has looked at the findings of an incarnation and believes its credit: a record that holds no more. The validator that
// works the incarnation notices it at its next append and begins again from there.
import type { Bus } from '@sluice/bus/bus';
import { type Clock, unixMicros } from '@sluice/runtime/clock';
import type { Logger } from '@sluice/runtime/logger';
import type { Service } from '@sluice/runtime/run-service';
import type { Shutdown } from '@sluice/runtime/shutdown';
import { CreditLog } from './credit-log.ts';

/** A gateway at work is credited many times a second: the record has to come between two of them. */
const ATTEMPTS = 100;

export interface HeldReleaseModules {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly shutdown: Shutdown;
}

/** A service that does this once and asks for its end; its start rejects when there is nothing to release. */
export function createHeldRelease(incarnation: bigint, modules: HeldReleaseModules): Service {
  const { bus, clock, log, shutdown } = modules;
  return {
    async start() {
      const batch = await releaseHeld(bus, incarnation, clock);
      log.info({ incarnation: String(incarnation), batch: String(batch) }, 'credit is no longer held');
      shutdown.request('done');
    },
    async stop() {},
  };
}

/** Resolves with the last batch that it is about. */
async function releaseHeld(bus: Bus, incarnation: bigint, clock: Clock): Promise<bigint> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const credits = await CreditLog.open(bus, incarnation);
    if (!credits.start.held) throw new Error(`the credit of incarnation ${incarnation} is not held`);
    if (await credits.restate({ held: false }, unixMicros(clock))) return credits.start.batch;
  }
  throw new Error(`incarnation ${incarnation} is credited too fast: try again`);
}
