// What a pool is given by others, as pods: a bus and a node, each with the Service by which the pool names it.
import { restrictedContainer, restrictedPod } from '../../operator/src/desired/pod-settings.ts';
import { BITCOIND_IMAGE, NATS_IMAGE } from '../support/kubernetes/images.ts';

export const RPC_PORT = 18443;
export const rpcUser = { username: 'pool', password: 'of-a-test' } as const;
const ZMQ_PORT = 28332;
const DATA = '/data';

interface Part {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly number[];
}

const natsConfiguration = `listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
jetstream { store_dir: "${DATA}", max_mem: 1G, max_file: 64G, sync_interval: always }
`;

const parts: readonly Part[] = [
  { name: 'nats', image: NATS_IMAGE, args: ['--config', '/etc/nats/nats.conf'], ports: [4222, 8222] },
  {
    name: 'bitcoind',
    image: BITCOIND_IMAGE,
    args: [
      ...['-regtest', `-datadir=${DATA}`, '-server', '-listen=0', `-rpcport=${RPC_PORT}`, '-rpcbind=0.0.0.0'],
      ...['-rpcallowip=0.0.0.0/0', `-rpcuser=${rpcUser.username}`, `-rpcpassword=${rpcUser.password}`],
      `-zmqpubrawblock=tcp://0.0.0.0:${ZMQ_PORT}`,
    ],
    ports: [RPC_PORT, ZMQ_PORT],
  },
];

/** Of a MiningPool beside them. */
export const givenByOthers = {
  nodes: [
    {
      name: 'a',
      rpcURL: `http://bitcoind:${RPC_PORT}`,
      zmqURL: `tcp://bitcoind:${ZMQ_PORT}`,
      credentialsSecretRef: { name: 'rpc' },
    },
  ],
  bus: { mode: 'External', external: { servers: ['nats://nats:4222'], monitors: ['http://nats:8222'] } },
};

export function outsideParts(namespace: string): readonly object[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'nats', namespace },
      data: { 'nats.conf': natsConfiguration },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'rpc', namespace } },
      ...{ type: 'kubernetes.io/basic-auth', stringData: rpcUser },
    },
    ...parts.flatMap((part) => [podOf(part, namespace), serviceOf(part, namespace)]),
  ];
}

function podOf({ name, image, args, ports }: Part, namespace: string): object {
  const container = {
    ...{ name, image, imagePullPolicy: 'Never', args },
    readinessProbe: { tcpSocket: { port: ports[0] }, periodSeconds: 1 },
    volumeMounts: [
      { name: 'data', mountPath: DATA },
      { name: 'config', mountPath: '/etc/nats' },
    ],
    ...restrictedContainer,
  };
  const volumes = [
    { name: 'data', emptyDir: {} },
    { name: 'config', configMap: { name: 'nats' } },
  ];
  const metadata = { name, namespace, labels: { part: name } };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...restrictedPod, containers: [container], volumes } };
}

function serviceOf({ name, ports }: Part, namespace: string): object {
  const spec = { selector: { part: name }, ports: ports.map((port) => ({ name: `port-${port}`, port })) };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec };
}
