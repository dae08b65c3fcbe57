// How template providers reach the nodes: a URL for each, and the folder with the user and password of its RPC.
import type { MiningPool } from '../api/v1alpha1.ts';
import { bitcoindPorts } from './bitcoind-config.ts';
import { secretVolume } from './secret-volume.ts';

const CREDENTIALS_FOLDER = '/etc/sluice/nodes';
export interface NodeAccess {
  /** In order of preference. */
  readonly urls: readonly string[];
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
}

export type PoolNode = MiningPool['spec']['nodes'][number];

/** What the names of a managed node's objects begin with, and where it is reached. */
export const nodeName = ({ metadata }: MiningPool, { name }: PoolNode) => `${metadata.name}-node-${name}`;

/** The Secret with the user and password of its RPC. */
export const nodeRpcSecret = (pool: MiningPool, node: PoolNode) => `${nodeName(pool, node)}-rpc`;

export function nodeAccess(pool: MiningPool): NodeAccess {
  const nodes = pool.spec.nodes.map((node) => ({ name: node.name, ...addressesOf(pool, node) }));
  const known = nodes.flatMap(({ name, secret }) => (secret === undefined ? [] : [{ name: `node-${name}`, secret }]));
  return {
    urls: nodes.map(({ name, rpc, zmq, secret }) => {
      const query = [
        ...(secret === undefined ? [] : [`credentials=${CREDENTIALS_FOLDER}/node-${name}`]),
        ...(zmq === undefined ? [] : [`zmq=${zmq}`]),
      ];
      return query.length === 0 ? rpc : `${rpc}?${query.join('&')}`;
    }),
    volumes: known.map(({ name, secret }) => secretVolume(name, secret, ['username', 'password'])),
    volumeMounts: known.map(({ name }) => ({ name, mountPath: `${CREDENTIALS_FOLDER}/${name}`, readOnly: true })),
  };
}

function addressesOf(pool: MiningPool, node: PoolNode) {
  const { rpcURL = '', zmqURL, credentialsSecretRef, managed } = node;
  const name = nodeName(pool, node);
  if (managed === undefined) return { rpc: rpcURL.replace(/\/$/, ''), zmq: zmqURL, secret: credentialsSecretRef?.name };
  const { rpc, zmq } = bitcoindPorts;
  return { rpc: `http://${name}:${rpc}`, zmq: `tcp://${name}:${zmq}`, secret: nodeRpcSecret(pool, node) };
}
