// Composition root of the template-provider process.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectBus } from '@sluice/bus/bus-settings';
import type { CommandTables } from '@sluice/runtime/config/command-line';
import { runService } from '@sluice/runtime/run-service';
import { templateProviderRule, templateProviderSettings } from './config.ts';
import { cryptography } from './cryptography.ts';
import { nodeSources } from './node-sources.ts';
import { createTemplateProviderService } from './service.ts';
import { openStandaloneBus } from './standalone-bus.ts';
import { distributionParts } from './template-distribution/parts.ts';
import { TemplateStore } from './template-store.ts';

export const main = (argv: readonly string[], commands?: CommandTables): Promise<number> =>
  runService({
    name: 'template-provider',
    doc: 'Turns what bitcoind nodes, or other template providers, know into templates, and what miners find into blocks.',
    settings: templateProviderSettings,
    rule: templateProviderRule,
    argv,
    commands,
    async create({ config, log, metrics, health, clock, shutdown }) {
      const now = () => clock.now();
      const noise = cryptography(log);
      const distribution = distributionParts(config, { noise, log, clock });
      const bus = await (config.standalone
        ? openStandaloneBus(config.templateDirectory, { log, clock, metrics })
        : connectBus(config, { service: 'template-provider', instance: config.provider, log, clock, metrics, health }));
      shutdown.add('bus', () => bus.close());
      const nodes = nodeSources(config, { noise, clock, log });
      const store = new TemplateStore(
        { directory: config.templateDirectory, maxBytes: config.templateDirectoryBytes },
        { now },
      );
      return createTemplateProviderService(
        {
          provider: config.provider,
          network: config.network,
          solutionHost: config.solutionListen.host,
          solutionPort: config.solutionListen.port,
        },
        { bus, nodes, store, clock, log, metrics, health, sleep, ...(distribution && { distribution }) },
      );
    },
  });
