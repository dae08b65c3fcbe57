// How template providers reach the nodes: a URL for each, and the folder with the user and password of its RPC.
import type { MiningPool } from '../api/v1alpha1.ts';
import { secretVolume } from './secret-volume.ts';

const CREDENTIALS_FOLDER = '/etc/sluice/nodes';
/** Of managed nodes on every network. */
export const RPC_PORT = 8332;
export const ZMQ_PORT = 28332;

export interface NodeAccess {
  /** In order of preference. */
  readonly urls: readonly string[];
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
}

type Node = MiningPool['spec']['nodes'][number];

/** What the names of a managed node's objects begin with. */
export const nodeName = ({ metadata }: MiningPool, { name }: Node) => `${metadata.name}-node-${name}`;

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

function addressesOf(pool: MiningPool, node: Node) {
  const { rpcURL = '', zmqURL, credentialsSecretRef, managed } = node;
  const name = nodeName(pool, node);
  if (managed === undefined) return { rpc: rpcURL.replace(/\/$/, ''), zmq: zmqURL, secret: credentialsSecretRef?.name };
  return { rpc: `http://${name}:${RPC_PORT}`, zmq: `tcp://${name}:${ZMQ_PORT}`, secret: `${name}-rpc` };
}
