// What a MiningPool's gateways are made of: pure functions from the resource to manifests.
import type { MiningPool } from '../api/v1alpha1.ts';
import { type BusAccess, busAccess } from './bus-access.ts';
import { CONFIG_FILE, configMap } from './config-map.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { secondsOf } from './duration.ts';
import { ACCEPTING, fleetLabels, fleetName, fleetSelector, type OwnedFleet } from './fleet.ts';
import { type DefaultImage, imageReference } from './image-reference.ts';
import { listenerService } from './listener-service.ts';
import type { Manifest } from './manifest.ts';
import { placement, pullSecrets, restrictedContainer, restrictedPod } from './pod-settings.ts';
import { type PodTemplate, replicaSet } from './replica-set.ts';

const CONFIG_FOLDER = '/etc/sluice/config';
const NOISE_FOLDER = '/etc/sluice/noise';
const HEALTH_PORT = 9100;
const SOLUTION_PORT = 8337;

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
  const config = configMap(pool, fleetName(owned), fleetLabels(owned), settings);
  const template = gatewayPodTemplate(pool, owned, { bus, config, image: context.image });
  return {
    services: pool.spec.gateways.listeners.map((listener) => listenerService(owned, listener)),
    configMap: config,
    replicaSet: replicaSet(owned, template, replicas),
    disruptionBudget: disruptionBudget(owned),
  };
}

/** The gateway's configuration file. */
function gatewaySettings({ metadata, spec }: MiningPool, bus: BusAccess, authorityPublicKey: string): object {
  const { listeners, drain } = spec.gateways;
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
    solutionEndpoints: [`${metadata.name}-tp:${SOLUTION_PORT}`],
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
  const { fleet, component } = owned;
  const probe = (path: string) => ({ httpGet: { path, port: 'health' } });
  const container = {
    name: component,
    image: imageReference(spec.image, image),
    imagePullPolicy: spec.image.pullPolicy,
    args: [component, '--config', `${CONFIG_FOLDER}/${CONFIG_FILE}`],
    env: [{ name: 'SLUICE_GATEWAY_LABEL', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }, ...bus.env],
    ports: [
      ...fleet.listeners.map(({ name, port }) => ({ name, containerPort: port, protocol: 'TCP' })),
      { name: 'health', containerPort: HEALTH_PORT, protocol: 'TCP' },
    ],
    resources: fleet.resources,
    startupProbe: { ...probe('/livez'), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...probe('/livez'), periodSeconds: 10, timeoutSeconds: 5 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 5, timeoutSeconds: 5 },
    lifecycle: { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } },
    volumeMounts: [
      { name: 'config', mountPath: CONFIG_FOLDER, readOnly: true },
      { name: 'noise', mountPath: NOISE_FOLDER, readOnly: true },
      ...bus.volumeMounts,
    ],
    ...restrictedContainer,
  };
  const { podLabels = {}, podAnnotations } = fleet;
  return {
    metadata: {
      labels: { ...podLabels, ...fleetLabels(owned), [ACCEPTING]: 'true' },
      ...(podAnnotations === undefined ? {} : { annotations: podAnnotations }),
    },
    spec: {
      ...restrictedPod,
      ...pullSecrets(spec.image),
      ...placement(fleet.scheduling, fleetSelector(owned)),
      terminationGracePeriodSeconds: PRE_STOP_SECONDS + secondsOf(fleet.drain.timeout) + STOP_MARGIN_SECONDS,
      containers: [container],
      volumes: [
        { name: 'config', configMap: { name: config.metadata.name } },
        { name: 'noise', secret: { secretName: `${fleetName(owned)}-noise`, defaultMode: 0o440 } },
        ...bus.volumes,
      ],
    },
  };
}
