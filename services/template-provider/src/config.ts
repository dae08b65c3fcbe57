import { networks } from '@sluice/bitcoin/network';
import { compactToTarget } from '@sluice/bitcoin/target';
import { busRule, busSettings } from '@sluice/bus/bus-settings';
import { type ConfigMistake, type ConfigOf, type ConfigRule, defineConfig, type PlaceOf } from '@sluice/runtime/config';
import { folder } from '@sluice/runtime/config/path-types';
import {
  integer,
  listenAddress,
  listOf,
  oneOf,
  text,
  toggle,
  type ValueType,
} from '@sluice/runtime/config/value-types';
import { addressRates } from '@sluice/server/connection-settings';
import { identityRule, identitySettings } from '@sluice/server/identity-settings';
import type { RpcEndpoint } from './bitcoind/rpc-client.ts';
import { nodeUrls } from './node-url.ts';
import type { CoinbaseReserve } from './prepare-template.ts';
import { type DistributionLimits, defaultLimits } from './template-distribution/limits.ts';
import { templateServerUrls } from './template-server-urls.ts';

/** One that some hash can meet, and that fits 256 bits. */
function compactTarget(): ValueType<string> {
  const form = text({
    allowed: 'a compact target of 8 hexadecimal digits, from 01010000 (hardest) to 20ffffff',
    placeholder: 'NBITS',
    pattern: /^[\da-f]{8}$/i,
  });
  return { ...form, parse: (value) => (form.parse(value) !== undefined && isTarget(value) ? value : undefined) };
}

function isTarget(nbits: string): boolean {
  try {
    return compactToTarget(Number.parseInt(nbits, 16)) > 0n;
  } catch {
    return false;
  }
}

export const templateProviderSettings = defineConfig({
  ...busSettings,
  provider: {
    type: text({ allowed: 'letters, digits, - and _', placeholder: 'NAME', pattern: /^[\w-]{1,63}$/ }),
    default: 'provider',
    doc: 'Name of this template provider, unique in the pool.',
  },
  network: { type: oneOf(networks), default: 'mainnet', doc: 'The network that every node must be on.' },
  bitcoind: {
    type: nodeUrls(),
    default: [],
    secret: true,
    doc: 'Nodes in order of preference: http://[user:password@]host:port[?cookie=FILE][&credentials=FOLDER][&zmq=tcp://host:port], the folder having the files username and password, and zmq being the address of -zmqpubrawblock or -zmqpubhashblock.',
  },
  templateServer: {
    type: templateServerUrls(),
    default: [],
    doc: 'Template Distribution servers in order of preference, behind every node: stratum2+tcp://host:port/<authority key>.',
  },
  simulatedChain: {
    type: toggle(),
    default: false,
    doc: 'A chain of its own in memory instead of nodes: for trying out and testing. A restart is a new chain.',
  },
  simulatedNbits: {
    type: compactTarget(),
    default: '1d00ffff',
    doc: 'How hard the blocks of the simulated chain are.',
  },
  simulatedBlockSeconds: {
    type: integer({ min: 0, max: 86_400 }),
    default: 600,
    doc: "Mean seconds between two blocks of somebody else on the simulated chain; 0: only the pool's own.",
  },
  templatePoll: {
    type: integer({ min: 1, max: 600 }),
    default: 30,
    doc: 'Seconds between two requests for a template beside the long poll.',
  },
  coinbaseOutputsSize: {
    type: integer({ min: 0, max: 1_000_000 }),
    default: 1_000,
    doc: "Bytes kept free in the block for the pool's own coinbase outputs.",
  },
  coinbaseOutputsSigops: {
    type: integer({ min: 0, max: 20_000 }),
    default: 16,
    doc: "Legacy signature operations kept free for the pool's own coinbase outputs.",
  },
  templateDirectory: {
    type: folder(),
    default: 'data/templates',
    doc: 'Where the transactions of templates are kept until no block can need them.',
  },
  templateDirectoryBytes: {
    type: integer({ min: 16_000_000, max: 1_000_000_000_000 }),
    default: 2_000_000_000,
    doc: 'Bound of that folder in bytes; beyond it the oldest go before their time.',
  },
  solutionListen: {
    type: listenAddress(),
    default: { host: '127.0.0.1', port: 8337 },
    doc: 'Where gateways send solutions when the bus is away.',
  },
  templateListen: {
    type: listOf(listenAddress()),
    default: [],
    doc: 'Where clients of template distribution connect, such as pools and job declaration clients; 8442 is the usual port.',
  },
  ...identitySettings,
  standalone: {
    type: toggle(),
    default: false,
    doc: 'Without NATS and without a pool: clients of template distribution alone are served.',
  },
  templateRefresh: {
    type: integer({ min: 1, max: 600 }),
    default: 30,
    doc: 'Seconds after which clients of template distribution are told a newer template of the same tip.',
  },
  templateFeeDelta: {
    type: integer({ min: 0, max: 100_000_000 }),
    default: 1_000,
    doc: 'Satoshis by which the value of a block must have risen for that to happen before, though not within 5 s.',
  },
  templateAhead: {
    type: toggle(),
    default: false,
    doc: "Tells clients the template for the next height before the block is found, not with it. SRI's pool and jd-client do not bear it.",
  },
  templateConnections: {
    type: integer({ min: 1, max: 100_000 }),
    default: defaultLimits.connections,
    doc: 'Clients of template distribution at once; more are closed.',
  },
  templateConnectionsPerAddress: {
    type: integer({ min: 1, max: 100_000 }),
    default: defaultLimits.connectionsPerAddress,
    doc: 'Clients of template distribution at once from one address; more are closed.',
  },
  templateConnectionRate: {
    type: integer({ min: 1, max: 10_000 }),
    default: defaultLimits.connectionsPerSecond,
    doc: 'New clients of template distribution a second, after a burst of ten times as many; more are closed.',
  },
  templateMessageRate: {
    type: integer({ min: 1, max: 100_000 }),
    default: defaultLimits.messagesPerSecond,
    doc: 'Messages a second of one client, after a burst of ten times as many; what comes faster is read later.',
  },
});
export type TemplateProviderConfig = ConfigOf<typeof templateProviderSettings>;

/** A solution's coinbase is a B0_64K [sv2 7.7]. */
const MAX_SERVER_OUTPUTS_BYTES = 64_000;

type Rule = ConfigRule<typeof templateProviderSettings>;
type Name = keyof typeof templateProviderSettings;

/** Templates come from nodes and servers or from the simulated chain; clients need a certificate to know us by, and a provider somebody to serve. */
export const templateProviderRule: Rule = (config, placeOf) => [
  ...busRule(config, placeOf),
  ...identityRule(config, placeOf),
  ...(config.templateListen.length > 0 ? certificateMistakes(config, placeOf) : []),
  ...sourceMistakes(config, placeOf),
  ...(config.standalone ? standaloneMistakes(config, placeOf) : []),
];

function sourceMistakes(config: TemplateProviderConfig, placeOf: PlaceOf<Name>) {
  const { bitcoind, templateServer, simulatedChain, coinbaseOutputsSize } = config;
  const mistakes: ConfigMistake<Name>[] = [];
  const sources = ['bitcoind', 'templateServer'] as const;
  if (simulatedChain) {
    for (const setting of sources.filter((name) => config[name].length > 0))
      mistakes.push({ setting, problem: `set, and so is ${placeOf('simulatedChain')}`, allowed: 'one of them' });
  } else if (bitcoind.length === 0 && templateServer.length === 0) {
    const problem = `not set, and neither are ${placeOf('templateServer')} and ${placeOf('simulatedChain')}`;
    mistakes.push({ setting: 'bitcoind', problem, allowed: 'one of them' });
  }
  if (templateServer.length > 0 && coinbaseOutputsSize > MAX_SERVER_OUTPUTS_BYTES) {
    const problem = `${coinbaseOutputsSize} bytes, which with the rest of a coinbase are more than ${placeOf('templateServer')} takes back`;
    mistakes.push({ setting: 'coinbaseOutputsSize', problem, allowed: `at most ${MAX_SERVER_OUTPUTS_BYTES} with it` });
  }
  return mistakes;
}

function certificateMistakes(config: TemplateProviderConfig, placeOf: PlaceOf<Name>) {
  if (config.authoritySecretFile !== undefined || config.certificateDirectory !== undefined) return [];
  const problem = `set, and neither ${placeOf('authoritySecretFile')} nor ${placeOf('certificateDirectory')} is`;
  return [{ setting: 'templateListen', problem, allowed: 'with one of them' } as const];
}

function standaloneMistakes(config: TemplateProviderConfig, placeOf: PlaceOf<Name>) {
  const mistakes: ConfigMistake<Name>[] = [];
  if (config.templateListen.length === 0) {
    const problem = `set, and nobody to serve: ${placeOf('templateListen')} is not`;
    mistakes.push({ setting: 'standalone', problem, allowed: 'with an address to listen on' });
  }
  const ofNats = ['natsUser', 'natsPasswordFile', 'natsCaFile', 'natsMonitors'] as const;
  for (const setting of ofNats.filter((name) => config[name] !== undefined && config[name].length > 0)) {
    const problem = `set, and so is ${placeOf('standalone')}, which needs no NATS`;
    mistakes.push({ setting, problem, allowed: 'one of them' });
  }
  return mistakes;
}

/** The room that every template leaves for the pool's own outputs. */
export const reserveOf = (config: TemplateProviderConfig): CoinbaseReserve => ({
  outputsSize: config.coinbaseOutputsSize,
  outputsSigops: config.coinbaseOutputsSigops,
});

/** The limits of template distribution. */
export const limitsOf = (config: TemplateProviderConfig): DistributionLimits => ({
  ...defaultLimits,
  connections: config.templateConnections,
  connectionsPerAddress: config.templateConnectionsPerAddress,
  connectionsPerSecond: config.templateConnectionRate,
  messagesPerSecond: config.templateMessageRate,
  ...addressRates(
    config.templateConnectionRate,
    config.templateMessageRate,
    config.templateConnectionsPerAddress >= config.templateConnections,
  ),
});

/** A node's RPC and, where the URL names one, the address of its block announcements. */
export function nodeOf(node: URL): { readonly endpoint: RpcEndpoint; readonly zmqBlock?: string } {
  const cookieFile = node.searchParams.get('cookie');
  const credentialsFolder = node.searchParams.get('credentials');
  const zmq = node.searchParams.get('zmq');
  const plain = new URL(node);
  plain.search = '';
  return {
    endpoint: {
      url: plain.href,
      ...(cookieFile === null ? {} : { cookieFile }),
      ...(credentialsFolder === null ? {} : { credentialsFolder }),
    },
    ...(zmq === null ? {} : { zmqBlock: zmq }),
  };
}

/** Transactions that wait in the simulated chain's pool, and the bytes added to each. */
const SIMULATED_TRANSACTIONS = { transactions: 12, transactionFiller: 100 } as const;

/** What the settings say of the simulated chain. */
export function simulatedChainOf(config: TemplateProviderConfig) {
  const { simulatedNbits, simulatedBlockSeconds, templatePoll } = config;
  return {
    ...SIMULATED_TRANSACTIONS,
    nbits: Number.parseInt(simulatedNbits, 16),
    templateSeconds: templatePoll,
    ...(simulatedBlockSeconds === 0 ? {} : { otherBlockSeconds: simulatedBlockSeconds }),
  };
}
