// The configuration of a managed bitcoind.
import { createHmac } from 'node:crypto';
import type { MiningPool } from '../api/v1alpha1.ts';

/** The same on every network. */
export const bitcoindPorts = { rpc: 8332, p2p: 8333, zmq: 28332 } as const;

/** Folders of a node's pod. */
export const bitcoindFolders = {
  config: '/etc/bitcoin/config',
  secret: '/etc/bitcoin/secret',
  data: '/data',
} as const;

export interface BitcoindCredentials {
  readonly username: string;
  readonly password: string;
  /** Of the password's hash, in hexadecimal. */
  readonly salt: string;
}

/** Names of the networks in bitcoind's options and as sections of its file. */
const chains = { mainnet: 'main', testnet4: 'testnet4', signet: 'signet', regtest: 'regtest' } as const;

/**
 * @param peers hosts of the pool's other nodes
 * @param authFile in the folder of the secret, with what lets clients in
 */
export function bitcoindConfig(
  network: MiningPool['spec']['network'],
  peers: readonly string[],
  authFile: string,
): string {
  const chain = chains[network];
  const { rpc, p2p, zmq } = bitcoindPorts;
  const lines = [
    `chain=${chain}`,
    'server=1',
    'disablewallet=1',
    'printtoconsole=1',
    'nodebuglogfile=1',
    // A long poll of each template provider holds a thread.
    'rpcthreads=16',
    'rpcworkqueue=64',
    'rpcallowip=0.0.0.0/0',
    'rpcallowip=::/0',
    `zmqpubrawblock=tcp://0.0.0.0:${zmq}`,
    `includeconf=${bitcoindFolders.secret}/${authFile}`,
    `[${chain}]`,
    'rpcbind=0.0.0.0',
    `rpcport=${rpc}`,
    `bind=0.0.0.0:${p2p}`,
    ...peers.map((peer) => `addnode=${peer}:${p2p}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** As `share/rpcauth` of Bitcoin Core makes it. */
export function rpcAuthLine({ username, password, salt }: BitcoindCredentials): string {
  const hash = createHmac('sha256', salt).update(password).digest('hex');
  return `rpcauth=${username}:${salt}$${hash}\n`;
}
