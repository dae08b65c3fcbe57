// What a MiningPool's gateways are made of: pure functions from the resource to manifests.
import type { MiningPool } from '../api/v1alpha1.ts';
import { type BusAccess, busAccess } from './bus-access.ts';
import { configMap } from './config-map.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { secondsOf } from './duration.ts';
import { ACCEPTING, type OwnedFleet } from './fleet.ts';
import type { DefaultImage } from './image-reference.ts';
import { listenerService } from './listener-service.ts';
import type { Manifest } from './manifest.ts';
import { HEALTH_PORT, type PodTemplate, podNameAs, podTemplate } from './pod-template.ts';
import { replicaSet } from './replica-set.ts';
import { providerEndpoint } from './template-providers.ts';
import { workloadLabels, workloadName } from './workload.ts';

const NOISE_FOLDER = '/etc/sluice/noise';

/** Until a pod that ends is known everywhere as such, new connections still come to it. */
const PRE_STOP_SECONDS = 5;
/** Beyond the drain: the last appends, and closing. */
const STOP_MARGIN_SECONDS = 25;

export interface GatewayContext {
  /** What the operator was installed with. */
  readonly image: DefaultImage;
  /** By which the gateways check the certificate that they are given, in base58check. */
  readonly authorityPublicKey: string;
}

export interface GatewayManifests {
  readonly services: readonly Manifest[];
  readonly configMap: Manifest;
  readonly replicaSet: Manifest;
  readonly disruptionBudget: Manifest;
}

/** @param replicas pods of the newest revision, as the scaling decides */
export function gateways(pool: MiningPool, context: GatewayContext, replicas: number): GatewayManifests {
  const owned: OwnedFleet = {
    owner: pool,
    infix: 'gw',
    component: 'connection-gateway',
    fleet: pool.spec.gateways,
  };
  const bus = busAccess(pool, owned.component);
  const settings = gatewaySettings(pool, bus, context.authorityPublicKey);
  const config = configMap(pool, workloadName(owned), workloadLabels(owned), settings);
  const template = gatewayPodTemplate(pool, owned, { bus, config, image: context.image });
  return {
    services: pool.spec.gateways.listeners.map((listener) => listenerService(owned, listener)),
    configMap: config,
    replicaSet: replicaSet(owned, template, replicas),
    disruptionBudget: disruptionBudget(owned),
  };
}

/** The gateway's configuration file. */
function gatewaySettings(pool: MiningPool, bus: BusAccess, authorityPublicKey: string): object {
  const { listeners, drain } = pool.spec.gateways;
  const maxConnections = listeners.reduce((sum, { maxConnectionsPerPod }) => sum + maxConnectionsPerPod, 0);
  const hidesAddresses = listeners.some(
    ({ service }) => service.type !== 'ClusterIP' && service.externalTrafficPolicy === 'Cluster',
  );
  return {
    ...bus.settings,
    listen: listeners.map(({ port }) => `0.0.0.0:${port}`),
    health: `0.0.0.0:${HEALTH_PORT}`,
    certificateDirectory: NOISE_FOLDER,
    authorityKey: authorityPublicKey,
    // By the Service, so that another number of providers exchanges no gateway.
    solutionEndpoints: [providerEndpoint(pool)],
    maxConnections,
    // Nodes that pass connections on put their own addresses in place of the miners'.
    ...(hidesAddresses ? { maxConnectionsPerAddress: maxConnections } : {}),
    drainSeconds: secondsOf(drain.timeout),
    reconnectVendors: drain.reconnect.vendors,
    logFormat: 'json',
  };
}

interface GatewayParts {
  readonly bus: BusAccess;
  readonly config: Manifest;
  readonly image: DefaultImage;
}

function gatewayPodTemplate(
  { spec }: MiningPool,
  owned: OwnedFleet,
  { bus, config, image }: GatewayParts,
): PodTemplate {
  const { listeners, drain } = owned.fleet;
  return podTemplate(owned, {
    pods: owned.fleet,
    image: spec.image,
    defaultImage: image,
    config,
    ports: Object.fromEntries(listeners.map(({ name, port }) => [name, port])),
    labels: { [ACCEPTING]: 'true' },
    env: [podNameAs('SLUICE_GATEWAY_LABEL'), ...bus.env],
    volumes: [
      { name: 'noise', secret: { secretName: `${workloadName(owned)}-noise`, defaultMode: 0o440 } },
      ...bus.volumes,
    ],
    volumeMounts: [{ name: 'noise', mountPath: NOISE_FOLDER, readOnly: true }, ...bus.volumeMounts],
    preStopSeconds: PRE_STOP_SECONDS,
    stopSeconds: secondsOf(drain.timeout) + STOP_MARGIN_SECONDS,
  });
}
