// The NATS servers of a pool that has none of its own.
import type { MiningPool } from '../api/v1alpha1.ts';
import { configMapOf } from './config-map.ts';
import { dataVolume } from './data-volume.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { type DefaultImage, imageReference } from './image-reference.ts';
import { type Manifest, ownedMetadata } from './manifest.ts';
import { type NatsUser, natsConfig, natsFolders, natsSecretFiles, PID_FILE } from './nats-config.ts';
import { natsHeadlessService, natsPorts, natsUserSecret } from './nats-names.ts';
import { placement, pullSecrets, restrictedContainer, restrictedPod } from './pod-settings.ts';
import { readAtStart } from './secret-volume.ts';
import { type ManagedBus, volumeSize } from './stream-bounds.ts';
import { type Workload, workloadLabels, workloadName, workloadSelector } from './workload.ts';

const CONFIG_FILE = 'nats.conf';
/** Longer than a server takes to send its clients away. */
const STOP_SECONDS = 60;

export interface NatsManifests {
  readonly services: readonly Manifest[];
  readonly configMap: Manifest;
  readonly statefulSet: Manifest;
  readonly disruptionBudget: Manifest;
}

const workloadOf = (pool: MiningPool): Workload => ({ owner: pool, infix: 'nats', component: 'nats' });
const secretName = (workload: Workload) => `${workloadName(workload)}-users`;

/**
 * @param systemSecret uid of the Secret of the user `system`: without its password nobody can tell the servers to read their users again
 * @returns undefined where the bus is the user's own
 */
export function natsServers(pool: MiningPool, image: DefaultImage, systemSecret: string): NatsManifests | undefined {
  const { managed } = pool.spec.bus;
  if (managed === undefined) return undefined;
  const workload = workloadOf(pool);
  const text = natsConfig(pool.metadata.name, managed);
  const configMap = configMapOf(pool, workloadName(workload), workloadLabels(workload), { [CONFIG_FILE]: text });
  return {
    services: [clientService(workload), headlessService(workload)],
    configMap,
    statefulSet: statefulSet(workload, managed, { configMap, image, systemSecret }),
    disruptionBudget: disruptionBudget(workload),
  };
}

/** The Secret with the servers' users. It may change: the servers read it again. */
export function natsUsers(
  pool: MiningPool,
  bus: ManagedBus,
  users: readonly NatsUser[],
  routePassword: string,
): Manifest {
  const workload = workloadOf(pool);
  const files = Object.entries(natsSecretFiles(pool.metadata.name, bus, users, routePassword));
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: ownedMetadata(pool, secretName(workload), workloadLabels(workload)),
    type: 'Opaque',
    data: Object.fromEntries(files.map(([name, text]) => [name, base64(text)])),
  };
}

/** What the pods of a service are let in by, or by which servers know each other. To be created, never applied: its password is made once. */
export function natsCredentials(
  pool: MiningPool,
  component: NatsUser['component'] | 'route',
  name: string,
  password: string,
): Manifest {
  const workload = workloadOf(pool);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: ownedMetadata(pool, natsUserSecret(pool.metadata.name, component), workloadLabels(workload)),
    type: 'kubernetes.io/basic-auth',
    data: { username: base64(name), password: base64(password) },
  };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

function clientService(workload: Workload): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(workload.owner, workloadName(workload), workloadLabels(workload)),
    spec: {
      type: 'ClusterIP',
      selector: workloadSelector(workload),
      ports: [{ name: 'client', protocol: 'TCP', port: natsPorts.client, targetPort: 'client' }],
    },
  };
}

/** Servers of a cluster must find each other before they can be ready. */
function headlessService(workload: Workload): Manifest {
  const name = natsHeadlessService(workload.owner.metadata.name);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(workload.owner, name, workloadLabels(workload)),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: workloadSelector(workload),
      ports: Object.entries(natsPorts).map(([port, number]) => ({
        ...{ name: port, protocol: 'TCP', port: number, targetPort: port },
      })),
    },
  };
}

interface NatsParts {
  readonly configMap: Manifest;
  readonly image: DefaultImage;
  readonly systemSecret: string;
}

function statefulSet(workload: Workload, bus: ManagedBus, { configMap, image, systemSecret }: NatsParts): Manifest {
  const data = dataVolume(bus.storage, volumeSize(bus));
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMetadata(workload.owner, workloadName(workload), workloadLabels(workload)),
    spec: {
      replicas: bus.replicas,
      serviceName: natsHeadlessService(workload.owner.metadata.name),
      // One after the other, none of a cluster would ever be ready.
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: workloadSelector(workload) },
      template: {
        metadata: { labels: workloadLabels(workload), annotations: readAtStart(systemSecret) },
        spec: {
          ...restrictedPod,
          ...pullSecrets(bus.image),
          ...placement(bus.scheduling, workloadSelector(workload)),
          terminationGracePeriodSeconds: STOP_SECONDS,
          containers: [container(bus, imageReference(bus.image, image))],
          volumes: [
            { name: 'config', configMap: { name: configMap.metadata.name } },
            { name: 'secret', secret: { secretName: secretName(workload), defaultMode: 0o440 } },
            { name: 'run', emptyDir: {} },
            ...data.volumes,
          ],
        },
      },
      ...data.claims,
    },
  };
}

function container(bus: ManagedBus, image: string): object {
  const probe = (path: string) => ({ httpGet: { path, port: 'monitor' }, timeoutSeconds: 5 });
  const mount = (name: keyof typeof natsFolders) => ({ name, mountPath: natsFolders[name] });
  return {
    name: 'nats',
    image,
    imagePullPolicy: bus.image.pullPolicy,
    args: ['--config', `${natsFolders.config}/${CONFIG_FILE}`, '--name', '$(POD_NAME)'],
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    ports: Object.entries(natsPorts).map(([name, containerPort]) => ({ name, containerPort, protocol: 'TCP' })),
    resources: bus.resources,
    // Until the streams are read, which takes long where they are large.
    startupProbe: { ...probe('/healthz?js-enabled-only=true'), periodSeconds: 2, failureThreshold: 450 },
    livenessProbe: { ...probe('/healthz?js-enabled-only=true'), periodSeconds: 15, failureThreshold: 3 },
    readinessProbe: { ...probe('/healthz?js-server-only=true'), periodSeconds: 5, failureThreshold: 3 },
    // Of several, so that clients go to the others one by one; one alone is away for the shorter the sooner it ends.
    ...(bus.replicas === 1
      ? {}
      : { lifecycle: { preStop: { exec: { command: ['nats-server', '--signal', `ldm=${PID_FILE}`] } } } }),
    volumeMounts: [
      { ...mount('config'), readOnly: true },
      { ...mount('secret'), readOnly: true },
      mount('run'),
      mount('data'),
    ],
    ...restrictedContainer,
  };
}
