import { type Network, networks } from '@sluice/bitcoin/network';
import { scriptFor } from '@sluice/bitcoin/script';
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { hostPort, integer, listOf, oneOf, path, text, url } from '@sluice/runtime/config/value-types';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { LogLevel } from '@sluice/runtime/logger';
import { processSettings } from '@sluice/runtime/process-settings';

export const startSettings = defineConfig({
  listen: {
    type: hostPort(),
    default: { host: '127.0.0.1', port: 3333 },
    doc: 'Where miners connect; 0.0.0.0:3333 serves the local network. A port that is taken gives way to the next free one.',
  },
  data: {
    type: path(),
    default: 'data',
    doc: 'Folder of the authority key, the shares and all other state.',
  },
  bitcoind: {
    type: listOf(url(['http', 'https'])),
    default: [],
    secret: true,
    env: 'BITCOIND_URL',
    doc: 'Your node: http://[user:password@]host:port[?cookie=FILE]; several in order of preference. None: a simulated chain.',
  },
  cookie: {
    type: path(),
    optional: true,
    doc: "The node's .cookie file, for URLs without user and password.",
  },
  zmq: {
    type: text({ allowed: 'tcp://host:port', placeholder: 'tcp://HOST:PORT', pattern: /^tcp:\/\/[^\s/]+:\d+$/ }),
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
  demoMiners: {
    type: integer({ min: 0, max: 8 }),
    optional: true,
    doc: 'Miners on this CPU. Without a value: 3 on the simulated chain, none on a node.',
  },
  health: {
    ...processSettings.health,
    doc: 'Where /livez, /readyz and /metrics are served. A port that is taken gives way to the next free one.',
  },
  logLevel: { ...processSettings.logLevel, default: 'warn' satisfies LogLevel as LogLevel },
});
export type StartConfig = ConfigOf<typeof startSettings>;

/** What holds between the settings. */
export function startRule(config: StartConfig): readonly string[] {
  const { bitcoind, payout, zmq, cookie } = config;
  const mistakes: string[] = [];
  if (payout !== undefined) mistakes.push(...payoutMistakes(payout, networkOf(config)));
  else if (bitcoind.length > 0) {
    mistakes.push('--payout: not set; with --bitcoind it must be an address of yours, blocks pay to it');
  }
  if (bitcoind.length === 0) {
    if (zmq !== undefined) mistakes.push('--zmq: there is no node; allowed: only together with --bitcoind');
    if (cookie !== undefined) mistakes.push('--cookie: there is no node; allowed: only together with --bitcoind');
  }
  return mistakes;
}

/** Without a word of the user's, the network is that of the money at stake: none on the simulated chain. */
export function networkOf({ network, bitcoind }: Pick<StartConfig, 'network' | 'bitcoind'>): Network {
  return network ?? (bitcoind.length > 0 ? 'mainnet' : 'regtest');
}

function payoutMistakes(payout: string, network: Network): readonly string[] {
  try {
    scriptFor(payout, network);
    return [];
  } catch (error) {
    // Whoever mistook a private key for an address must not find it in a log.
    const shown = codeOf(error) === 'descriptor-private-key' ? 'this' : `"${payout}"`;
    return [`--payout: ${shown} is not allowed: ${messageOf(error)}; allowed: an address or descriptor of ${network}`];
  }
}
