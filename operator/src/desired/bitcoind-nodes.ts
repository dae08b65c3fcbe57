// The Bitcoin nodes that a pool runs itself.
import type { MiningPool } from '../api/v1alpha1.ts';
import {
  type BitcoindCredentials,
  bitcoindConfig,
  bitcoindFolders,
  bitcoindPorts,
  rpcAuthLine,
} from './bitcoind-config.ts';
import { configMapOf } from './config-map.ts';
import { dataVolume } from './data-volume.ts';
import { disruptionBudgetOf } from './disruption-budget.ts';
import { type DefaultImage, imageReference } from './image-reference.ts';
import { type Manifest, ownedMetadata } from './manifest.ts';
import { nodeName, nodeRpcSecret, type PoolNode } from './node-access.ts';
import { placement, pullSecrets, restrictedContainer, restrictedPod } from './pod-settings.ts';
import { readAtStart, secretVolume } from './secret-volume.ts';
import { commonLabels, type Workload, workloadLabels, workloadName, workloadSelector } from './workload.ts';

const CONFIG_FILE = 'bitcoin.conf';
/** The entry of a node's Secret that it reads itself. */
const AUTH_FILE = 'rpcauth.conf';
/** Of an ephemeral volume without a size. */
const EPHEMERAL_SIZE = '2Gi';
/** In which a node writes down what it has in memory; one that is killed reads many blocks again. */
const STOP_SECONDS = 600;

type ManagedNode = PoolNode & { readonly managed: NonNullable<PoolNode['managed']> };

export interface NodeManifests {
  readonly service: Manifest;
  readonly configMap: Manifest;
  readonly statefulSet: Manifest;
}

const isManaged = (node: PoolNode): node is ManagedNode => node.managed !== undefined;

const workloadOf = (pool: MiningPool, { name }: PoolNode): Workload => ({
  owner: pool,
  infix: `node-${name}`,
  component: 'bitcoind',
});

/** The nodes of a pool that it runs itself. */
export const managedNodes = (pool: MiningPool): readonly ManagedNode[] => pool.spec.nodes.filter(isManaged);

/**
 * For each managed node its objects, in the order of the nodes.
 * @param rpcSecrets uids of the Secrets of their RPC, by the names of the nodes
 */
export function bitcoindNodes(
  pool: MiningPool,
  image: DefaultImage,
  rpcSecrets: ReadonlyMap<string, string>,
): readonly NodeManifests[] {
  const nodes = managedNodes(pool);
  return nodes.map((node) => {
    const workload = workloadOf(pool, node);
    const peers = nodes.filter((other) => other !== node).map((other) => nodeName(pool, other));
    const text = bitcoindConfig(pool.spec.network, peers, AUTH_FILE);
    const configMap = configMapOf(pool, workloadName(workload), workloadLabels(workload), { [CONFIG_FILE]: text });
    return {
      service: service(workload),
      configMap,
      statefulSet: statefulSet(workload, node, {
        ...{ configMap, secretName: nodeRpcSecret(pool, node), secretUid: rpcSecrets.get(node.name) ?? '' },
        image: imageReference(node.managed.image, image),
      }),
    };
  });
}

/** One node of a pool at a time may be evicted; undefined where it runs none. */
export function nodeDisruptionBudget(pool: MiningPool): Manifest | undefined {
  const [node] = managedNodes(pool);
  if (node === undefined) return undefined;
  const labels = commonLabels(workloadOf(pool, node));
  return disruptionBudgetOf(pool, `${pool.metadata.name}-node`, labels, labels);
}

/** How template providers are let in. To be created, never applied: its password is made once. */
export function nodeCredentials(pool: MiningPool, node: PoolNode, credentials: BitcoindCredentials): Manifest {
  const { username, password } = credentials;
  const data = { username, password, [AUTH_FILE]: rpcAuthLine(credentials) };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: ownedMetadata(pool, nodeRpcSecret(pool, node), workloadLabels(workloadOf(pool, node))),
    type: 'kubernetes.io/basic-auth',
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  };
}

function service(workload: Workload): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(workload.owner, workloadName(workload), workloadLabels(workload)),
    spec: {
      type: 'ClusterIP',
      // Nodes of a pool find each other, and are asked why they are not ready, before they are.
      publishNotReadyAddresses: true,
      selector: workloadSelector(workload),
      ports: Object.entries(bitcoindPorts).map(([name, port]) => ({ name, protocol: 'TCP', port, targetPort: name })),
    },
  };
}

interface NodeParts {
  readonly configMap: Manifest;
  readonly secretName: string;
  readonly secretUid: string;
  readonly image: string;
}

function statefulSet(
  workload: Workload,
  { managed }: ManagedNode,
  { configMap, secretName, secretUid, image }: NodeParts,
): Manifest {
  const { storage, scheduling } = managed;
  const data = dataVolume(storage, storage.size ?? EPHEMERAL_SIZE);
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMetadata(workload.owner, workloadName(workload), workloadLabels(workload)),
    spec: {
      replicas: 1,
      revisionHistoryLimit: 1,
      serviceName: workloadName(workload),
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: workloadSelector(workload) },
      template: {
        metadata: { labels: workloadLabels(workload), annotations: readAtStart(secretUid) },
        spec: {
          ...restrictedPod,
          ...pullSecrets(managed.image),
          ...placement(scheduling, workloadSelector(workload)),
          terminationGracePeriodSeconds: STOP_SECONDS,
          containers: [container(managed, image)],
          volumes: [
            { name: 'config', configMap: { name: configMap.metadata.name } },
            secretVolume('secret', secretName, [AUTH_FILE]),
            ...data.volumes,
          ],
        },
      },
      ...data.claims,
    },
  };
}

function container({ image: { pullPolicy }, resources }: ManagedNode['managed'], image: string): object {
  const probe = { tcpSocket: { port: 'rpc' }, timeoutSeconds: 5 };
  return {
    name: 'bitcoind',
    image,
    imagePullPolicy: pullPolicy,
    command: ['bitcoind'],
    args: [`-conf=${bitcoindFolders.config}/${CONFIG_FILE}`, `-datadir=${bitcoindFolders.data}`],
    ports: Object.entries(bitcoindPorts).map(([name, containerPort]) => ({ name, containerPort, protocol: 'TCP' })),
    resources,
    readinessProbe: { ...probe, periodSeconds: 5 },
    livenessProbe: { ...probe, periodSeconds: 30, failureThreshold: 10 },
    volumeMounts: [
      { name: 'config', mountPath: bitcoindFolders.config, readOnly: true },
      { name: 'secret', mountPath: bitcoindFolders.secret, readOnly: true },
      { name: 'data', mountPath: bitcoindFolders.data },
    ],
    ...restrictedContainer,
  };
}
