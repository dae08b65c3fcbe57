// Composition root of the template-provider process.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { connectBus } from '@sluice/bus/bus-settings';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { followBus } from '@sluice/bus/metrics';
import { nobleEc } from '@sluice/noise/noble-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { wasmEc } from '@sluice/noise/wasm-ec';
import type { CommandTables } from '@sluice/runtime/config/command-line';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import { randomBytes, randomFraction } from '@sluice/runtime/random';
import { runService, type ServiceContext } from '@sluice/runtime/run-service';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { openIdentity } from '@sluice/server/identity-settings';
import { BitcoindNode } from './bitcoind/bitcoind-node.ts';
import { limitsOf, nodeOf, simulatedChainOf, templateProviderRule, templateProviderSettings } from './config.ts';
import { createTemplateProviderService, type DistributionParts } from './service.ts';
import { SimulatedChain } from './simulated-chain/simulated-chain.ts';
import { TemplateStore } from './template-store.ts';

export const main = (argv: readonly string[], commands?: CommandTables): Promise<number> =>
  runService({
    name: 'template-provider',
    doc: 'Turns what bitcoind nodes know into templates, and what miners find into blocks.',
    settings: templateProviderSettings,
    rule: templateProviderRule,
    argv,
    commands,
    async create(context) {
      const { config, log, metrics, health, clock, shutdown } = context;
      const now = () => clock.now();
      const distribution = distributionOf(context);
      const bus = await (config.standalone ? ownBus(context) : poolBus(context));
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

type Context = ServiceContext<typeof templateProviderSettings>;

const reserveOf = (config: Context['config']) => ({
  outputsSize: config.coinbaseOutputsSize,
  outputsSigops: config.coinbaseOutputsSigops,
});

const poolBus = ({ config, log, metrics, clock }: Context): Promise<Bus> =>
  connectBus(config, { name: `template-provider-${config.provider}`, log, clock, metrics });

/** Solutions and the answers of nodes are on disk beside the templates. */
async function ownBus({ config, log, metrics, clock }: Context): Promise<Bus> {
  const bus = await createInProcessBus({
    directory: join(config.templateDirectory, 'bus'),
    clock,
    onError: (error) => log.error({ code: codeOf(error), reason: messageOf(error) }, 'bus'),
  });
  followBus(metrics, bus);
  return bus;
}

function distributionOf({ config, log, clock }: Context): DistributionParts | undefined {
  if (config.templateListen.length === 0) return undefined;
  const wasm = findSecp256k1Wasm();
  const ec = wasm === undefined ? nobleEc : wasmEc(wasm, randomBytes);
  if (wasm === undefined)
    log.warn('handshakes use the reference curve, which is slower and not constant-time: run npm run secp256k1');
  return {
    ...{ ec, aead: wasmAead(), random: randomBytes },
    identity: openIdentity(config, { ec, random: randomBytes, clock, log }),
    options: {
      listen: config.templateListen,
      limits: limitsOf(config),
      reserve: reserveOf(config),
      directory: config.templateDirectory,
      refreshMs: config.templateRefresh * 1_000,
      feeDelta: config.templateFeeDelta,
      ahead: config.templateAhead,
    },
  };
}

function schedule(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
}
