// Composition root of the template-provider process.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectBus } from '@sluice/bus/bus-settings';
import type { CommandTables } from '@sluice/runtime/config/command-line';
import { randomFraction } from '@sluice/runtime/random';
import { runService } from '@sluice/runtime/run-service';
import { BitcoindNode } from './bitcoind/bitcoind-node.ts';
import { nodeOf, reserveOf, simulatedChainOf, templateProviderRule, templateProviderSettings } from './config.ts';
import { createTemplateProviderService } from './service.ts';
import { SimulatedChain } from './simulated-chain/simulated-chain.ts';
import { openStandaloneBus } from './standalone-bus.ts';
import { distributionParts } from './template-distribution/parts.ts';
import { TemplateStore } from './template-store.ts';

export const main = (argv: readonly string[], commands?: CommandTables): Promise<number> =>
  runService({
    name: 'template-provider',
    doc: 'Turns what bitcoind nodes know into templates, and what miners find into blocks.',
    settings: templateProviderSettings,
    rule: templateProviderRule,
    argv,
    commands,
    async create({ config, log, metrics, health, clock, shutdown }) {
      const now = () => clock.now();
      const distribution = distributionParts(config, { log, clock });
      const bus = await (config.standalone
        ? openStandaloneBus(config.templateDirectory, { log, clock, metrics })
        : connectBus(config, { name: `template-provider-${config.provider}`, log, clock, metrics, health }));
      shutdown.add('bus', () => bus.close());
      const reserve = reserveOf(config);
      const common = { network: config.network, reserve };
      const nodes = config.simulatedChain
        ? [new SimulatedChain({ ...common, ...simulatedChainOf(config) }, { clock, random: randomFraction, schedule })]
        : config.bitcoind.map(
            (node) =>
              new BitcoindNode({ ...nodeOf(node), ...common, templatePollMs: config.templatePoll * 1000 }, { now }),
          );
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

function schedule(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
}
