// What a fleet is made of, be it one of gateways or of proxies.
import type { Fleet, Image } from '../api/v1alpha1.ts';
import { configMap } from './config-map.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { secondsOf } from './duration.ts';
import { ACCEPTING, type OwnedFleet } from './fleet.ts';
import type { DefaultImage } from './image-reference.ts';
import { listenerService } from './listener-service.ts';
import type { Manifest } from './manifest.ts';
import { ORDERS_TOKEN, ordersSecretName } from './orders-secret.ts';
import { HEALTH_PORT, type PodInputs, podTemplate } from './pod-template.ts';
import { replicaSet } from './replica-set.ts';
import { secretVolume } from './secret-volume.ts';
import { workloadLabels, workloadName } from './workload.ts';

const NOISE_FOLDER = '/etc/sluice/noise';
const ORDERS_FOLDER = '/etc/sluice/orders';

/** Until a pod that ends is known everywhere as such, new connections still come to it. */
const PRE_STOP_SECONDS = 5;
/** Beyond the drain: the last appends, and closing. */
const STOP_MARGIN_SECONDS = 25;

export interface FleetManifests {
  readonly services: readonly Manifest[];
  readonly configMap: Manifest;
  readonly replicaSet: Manifest;
  readonly disruptionBudget: Manifest;
}

/** What a fleet's pods have that another's have not. */
export interface FleetPods {
  readonly image: Image;
  readonly defaultImage: DefaultImage;
  /** For the configuration file, beside those of health, of the log, of Noise, of orders and of how many connections are held and moved. */
  readonly settings: object;
  /** By which pods check the certificate that they are given, in base58check; undefined: none of them speaks Stratum V2. */
  readonly authorityPublicKey: string | undefined;
  readonly inputs: PodInputs;
}

/** @param replicas pods that its ReplicaSet is made with; how many it has afterwards is the scaling's */
export function fleetManifests(owned: OwnedFleet, pods: FleetPods, replicas: number): FleetManifests {
  const { owner, fleet } = owned;
  const { image, defaultImage, settings, authorityPublicKey, inputs } = pods;
  const noise = authorityPublicKey === undefined ? none : noiseInputs(owned, authorityPublicKey);
  const orders = ordersInputs(owned);
  const config = configMap(owner, workloadName(owned), workloadLabels(owned), {
    ...settings,
    ...noise.settings,
    ...orders.settings,
    ...connectionSettings(fleet),
    health: `0.0.0.0:${HEALTH_PORT}`,
    logFormat: 'json',
  });
  const template = podTemplate(owned, {
    ...{ pods: fleet, image, defaultImage, config },
    ports: Object.fromEntries(fleet.listeners.map(({ name, port }) => [name, port])),
    labels: { [ACCEPTING]: 'true' },
    env: inputs.env,
    volumes: [...noise.volumes, ...orders.volumes, ...inputs.volumes],
    volumeMounts: [...noise.volumeMounts, ...orders.volumeMounts, ...inputs.volumeMounts],
    preStopSeconds: PRE_STOP_SECONDS,
    stopSeconds: secondsOf(fleet.drain.timeout) + STOP_MARGIN_SECONDS,
  });
  return {
    services: fleet.listeners.map((listener) => listenerService(owned, listener)),
    configMap: config,
    replicaSet: replicaSet(owned, template, replicas),
    disruptionBudget: disruptionBudget(owned),
  };
}

const none = { settings: {}, volumes: [], volumeMounts: [] };

/** The key and certificate that all pods share, and that are renewed in place. */
function noiseInputs(owned: OwnedFleet, authorityPublicKey: string) {
  return {
    settings: { certificateDirectory: NOISE_FOLDER, authorityKey: authorityPublicKey },
    volumes: [{ name: 'noise', secret: { secretName: `${workloadName(owned)}-noise`, defaultMode: 0o440 } }],
    volumeMounts: [{ name: 'noise', mountPath: NOISE_FOLDER, readOnly: true }],
  };
}

/** What orders to move connections away come with. */
function ordersInputs(owned: OwnedFleet) {
  return {
    settings: { ordersTokenFile: `${ORDERS_FOLDER}/${ORDERS_TOKEN}` },
    volumes: [secretVolume('orders', ordersSecretName(owned), [ORDERS_TOKEN])],
    volumeMounts: [{ name: 'orders', mountPath: ORDERS_FOLDER, readOnly: true }],
  };
}

function connectionSettings({ listeners, drain, proxyProtocolFrom }: Fleet): object {
  const maxConnections = listeners.reduce((sum, { maxConnectionsPerPod }) => sum + maxConnectionsPerPod, 0);
  const hidesAddresses = listeners.some(
    ({ service }) => service.type !== 'ClusterIP' && service.externalTrafficPolicy === 'Cluster',
  );
  return {
    maxConnections,
    // Nodes that pass connections on put their own addresses in place of the miners'.
    ...(hidesAddresses && proxyProtocolFrom.length === 0 ? { maxConnectionsPerAddress: maxConnections } : {}),
    ...(proxyProtocolFrom.length === 0 ? {} : { proxyProtocolFrom }),
    drainSeconds: secondsOf(drain.timeout),
    drainRate: drain.disconnectsPerSecond,
  };
}

type Listener = Fleet['listeners'][number];

/** Addresses of the listeners of a protocol, without those by TLS. */
export const listenAddresses = ({ listeners }: Fleet, protocol: Listener['protocol']) =>
  listeners.filter((listener) => listener.protocol === protocol && listener.tls === undefined).map(listenAddress);

/** Where a pod listens: on both families where its Service may have addresses of both. Those of IPv4 stay what they are to it (address-key.ts). */
export const listenAddress = ({ port, service: { ipFamilyPolicy = 'SingleStack' } }: Listener) =>
  ipFamilyPolicy === 'SingleStack' ? `0.0.0.0:${port}` : `[::]:${port}`;
