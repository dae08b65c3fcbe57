import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Network, networks } from '@sluice/bitcoin/network';
import { scriptFor } from '@sluice/bitcoin/script';
import { type ConfigMistake, type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { fileFault, folder, readableFile } from '@sluice/runtime/config/path-types';
import { integer, listenAddress, oneOf, text, toggle } from '@sluice/runtime/config/value-types';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { LogLevel } from '@sluice/runtime/logger';
import { processSettings } from '@sluice/runtime/process-settings';
import { authoritySecretFile } from '@sluice/server/identity-settings';
import { nodeUrls, zmqAddress } from '@sluice/template-provider/node-url';

export const startSettings = defineConfig({
  listen: {
    type: listenAddress('nearby'),
    default: { host: '127.0.0.1', port: 3333 },
    doc: 'Where miners connect; 0.0.0.0:3333 serves the local network. Without a value the port gives way to the next free one when it is taken.',
  },
  data: {
    type: folder(),
    default: 'data',
    doc: 'Folder of the authority key, the shares and all other state.',
  },
  bitcoind: {
    type: nodeUrls(),
    default: [],
    secret: true,
    env: ['BITCOIND_URL', 'SLUICE_BITCOIND'],
    doc: 'Your node: http://[user:password@]host:port[?cookie=FILE][&zmq=tcp://host:port]; several in order of preference. A password belongs into the environment, not into a flag. None: a simulated chain.',
  },
  cookie: {
    type: readableFile({ holds: "a running node's cookie" }),
    optional: true,
    doc: "The node's .cookie file, for URLs without user and password.",
  },
  zmq: {
    type: zmqAddress(),
    optional: true,
    doc: "The node's -zmqpubrawblock or -zmqpubhashblock address, by which new blocks are known at once.",
  },
  network: {
    type: oneOf(networks),
    optional: true,
    doc: 'Network of the node and of the payout address. Without a value: mainnet with a node, regtest on the simulated chain.',
  },
  payout: {
    type: text({ allowed: 'an address or output descriptor of the network', placeholder: 'ADDRESS' }),
    optional: true,
    doc: 'Where blocks pay to; required with --bitcoind.',
  },
  payoutByIdentity: {
    type: toggle(),
    default: false,
    doc: 'Several people on one node: a miner whose identity names an address (ADDRESS.WORKER, sri/solo/ADDRESS/WORKER, sri/donate/PERCENT/ADDRESS/WORKER) has its blocks paid there. Off: all blocks pay to --payout.',
  },
  demoMiners: {
    type: integer({ min: 0, max: 8 }),
    optional: true,
    doc: 'Miners on this CPU. Without a value: 3 on the simulated chain, none on a node.',
  },
  health: {
    ...processSettings.health,
    type: listenAddress('nearby'),
    doc: 'Where /livez, /readyz and /metrics are served. Without a value the port gives way to the next free one when it is taken.',
  },
  logLevel: { ...processSettings.logLevel, default: 'warn' satisfies LogLevel as LogLevel },
});
export type StartConfig = ConfigOf<typeof startSettings>;
type Mistake = ConfigMistake<keyof typeof startSettings>;

export const startRule: ConfigRule<typeof startSettings> = (config, placeOf) => [
  ...keyMistakes(authorityKeyFile(config)),
  ...payoutMistakes(config),
  ...(config.bitcoind.length > 0 ? nodeMistakes : chainMistakes)(config, placeOf('bitcoind')),
];

/** Where the key is kept by which miners know the pool. */
export const authorityKeyFile = ({ data }: Pick<StartConfig, 'data'>): string => join(data, 'authority.key');

/** A key that is there already must be one. */
function keyMistakes(file: string): readonly Mistake[] {
  const { fault, allowed } = authoritySecretFile();
  const problem = existsSync(file) ? fault?.(file) : undefined;
  return problem === undefined ? [] : [{ setting: 'data', problem, allowed: `in this folder ${allowed}, or none yet` }];
}

function nodeMistakes(config: StartConfig, nodes: string) {
  const { bitcoind, payout, cookie } = config;
  const mistakes: Mistake[] = [];
  if (payout === undefined) {
    const problem = `not set, and ${nodes} is: blocks pay to it`;
    mistakes.push({ setting: 'payout', problem, allowed: `an address or descriptor of ${networkOf(config)}` });
  }
  const withUser = bitcoind.find(({ username }) => username !== '');
  if (cookie !== undefined && withUser !== undefined) {
    mistakes.push({ setting: 'cookie', problem: `set, and node ${withUser.host} has a user`, allowed: 'one of them' });
  }
  for (const { host, searchParams } of bitcoind) {
    const file = searchParams.get('cookie');
    const fault = file === null ? undefined : fileFault(file);
    if (fault === undefined) continue;
    const problem = `the cookie of node ${host}: ${fault}`;
    mistakes.push({ setting: 'bitcoind', problem, allowed: "a file with a running node's cookie" });
  }
  return mistakes;
}

function chainMistakes(config: StartConfig, nodes: string) {
  const mistakes: Mistake[] = [];
  for (const setting of ['zmq', 'cookie'] as const) {
    if (config[setting] === undefined) continue;
    mistakes.push({ setting, problem: 'set, and there is no node', allowed: `only together with ${nodes}` });
  }
  return mistakes;
}

/** Without a word of the user's, the network is that of the money at stake: none on the simulated chain. */
export function networkOf({ network, bitcoind }: Pick<StartConfig, 'network' | 'bitcoind'>): Network {
  return network ?? (bitcoind.length > 0 ? 'mainnet' : 'regtest');
}

function payoutMistakes(config: StartConfig): readonly Mistake[] {
  const { payout } = config;
  const network = networkOf(config);
  try {
    if (payout !== undefined) scriptFor(payout, network);
    return [];
  } catch (error) {
    // Whoever mistook a private key for an address must not find it in a log.
    const shown = codeOf(error) === 'descriptor-private-key' ? 'this' : `"${payout}"`;
    const problem = `${shown} is not allowed: ${messageOf(error)}`;
    return [{ setting: 'payout', problem, allowed: `an address or descriptor of ${network}` }];
  }
}
