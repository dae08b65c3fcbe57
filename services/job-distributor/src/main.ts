// Composition root of the job-distributor process.
import { connectBus } from '@sluice/bus/bus-settings';
import type { CommandTables } from '@sluice/runtime/config/command-line';
import { runService } from '@sluice/runtime/run-service';
import { jobDistributorRule, jobDistributorSettings, parsePayout } from './config.ts';
import { createJobDistributorService } from './service.ts';

export const main = (argv: readonly string[], commands?: CommandTables): Promise<number> =>
  runService({
    name: 'job-distributor',
    doc: 'Turns templates into the one feed of jobs that every miner works on.',
    settings: jobDistributorSettings,
    rule: jobDistributorRule,
    argv,
    commands,
    async create({ config, log, metrics, health, clock, shutdown }) {
      const bus = await connectBus(config, {
        service: 'job-distributor',
        instance: config.instance,
        log,
        clock,
        metrics,
        health,
      });
      shutdown.add('bus', () => bus.close());
      return createJobDistributorService(
        {
          instance: config.instance,
          network: config.network,
          payouts: config.payout.map((payout) => parsePayout(payout, config.network)),
          payoutByIdentity: config.payoutByIdentity,
          tag: new TextEncoder().encode(config.poolTag),
          templateRefreshMs: config.templateRefresh * 1000,
          templateFeeRise: config.templateFeeRise,
        },
        { bus, clock, log, metrics, health },
      );
    },
  });
