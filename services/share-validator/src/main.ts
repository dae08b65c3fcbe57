// Composition root of the share-validator process.
import { hostname } from 'node:os';
import { setTimeout as sleep, setImmediate as yieldNow } from 'node:timers/promises';
import { busRule, connectBus } from '@sluice/bus/bus-settings';
import type { CommandTables } from '@sluice/runtime/config/command-line';
import { randomU32 } from '@sluice/runtime/random';
import { runService } from '@sluice/runtime/run-service';
import { shareValidatorSettings } from './config.ts';
import { createHeldRelease } from './held-release.ts';
import { createShareValidatorService } from './service.ts';

export const main = (argv: readonly string[], commands?: CommandTables): Promise<number> =>
  runService({
    name: 'share-validator',
    doc: 'Checks every accepted share again and credits its work.',
    settings: shareValidatorSettings,
    rule: busRule,
    argv,
    commands,
    async create({ config, log, metrics, health, clock, shutdown }) {
      const instance = config.instance ?? `${hostname().replace(/[^\w-]/g, '-')}-${randomU32().toString(16)}`;
      const bus = await connectBus(config, { service: 'share-validator', instance, log, clock, metrics, health });
      shutdown.add('bus', () => bus.close());
      if (config.releaseHeld !== undefined) {
        return createHeldRelease(BigInt(config.releaseHeld), { bus, clock, log, shutdown });
      }
      return createShareValidatorService(
        {
          instance,
          ...(config.payoutByIdentity ? { payoutNetwork: config.network } : {}),
          leaseTtlMs: config.lease * 1_000,
          statisticsEveryMs: config.statisticsEvery * 1_000,
          shareRetentionMs: config.shareRetention * 86_400_000,
        },
        { bus, clock, log, metrics, health, sleep, yieldNow },
      );
    },
  });
