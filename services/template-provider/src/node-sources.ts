// The nodes that the settings name, the preferred one first.
import { join } from 'node:path';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { connectTcp } from '@sluice/client/tcp';
import type { Clock } from '@sluice/runtime/clock';
import type { Logger } from '@sluice/runtime/logger';
import { randomFraction } from '@sluice/runtime/random';
import { BitcoindNode } from './bitcoind/bitcoind-node.ts';
import { nodeOf, reserveOf, simulatedChainOf, type TemplateProviderConfig } from './config.ts';
import type { Cryptography } from './cryptography.ts';
import type { NodeSource } from './node-source.ts';
import { SimulatedChain } from './simulated-chain/simulated-chain.ts';
import { TemplateServerNode } from './template-server/template-server-node.ts';

/** What a node knows more of stands before what only gives templates. */
export function nodeSources(
  config: TemplateProviderConfig,
  { noise, clock, log }: { noise(): Cryptography; readonly clock: Clock; readonly log: Logger },
): readonly NodeSource[] {
  const { network, bitcoind, templateServer, templatePoll } = config;
  const common = { network, reserve: reserveOf(config) };
  if (config.simulatedChain)
    return [
      new SimulatedChain({ ...common, ...simulatedChainOf(config) }, { clock, random: randomFraction, schedule }),
    ];
  const now = () => clock.now();
  const onFailure = (error: unknown) => log.error({ error }, 'what a server told could not be kept or read');
  const templatePollMs = templatePoll * 1_000;
  return [
    ...bitcoind.map((node) => new BitcoindNode({ ...nodeOf(node), ...common, templatePollMs }, { now })),
    ...templateServer.map(
      (url) =>
        new TemplateServerNode(
          { ...common, url, directory: join(config.templateDirectory, 'servers') },
          { ...noise(), now, connect: connectTcp, sleep, onFailure },
        ),
    ),
  ];
}

const sleep = (ms: number, signal: AbortSignal) => sleepFor(ms, undefined, { signal }).catch(() => undefined);

function schedule(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
}
