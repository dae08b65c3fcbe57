// How a resource is, from what stands in it and on its pods, and from what these say of themselves.
import type { FleetStatus } from '@sluice/operator/api/v1alpha1';
import { PAUSE } from '@sluice/operator/control/lifecycle';
import { isAskedToGo, rebalancingOf, stageOf } from '@sluice/operator/scaling/pod-stage';
import { observedPod } from '@sluice/operator/scaling-loop/observed-objects';
import { type Cluster, componentOf, type Owner, type Pod } from './cluster.ts';

const CONNECTIONS = ['sluice_gateway_connections', 'sluice_proxy_sv1_connections', 'sluice_proxy_sv2_connections'];

export interface PodState {
  readonly name: string;
  /** The program in it. */
  readonly component: string;
  readonly isReady: boolean;
  /** `accepting`, `asked to go`, `closed`, `draining`, `removable`, `rebalancing`; of other pods `running`, or why not. */
  readonly state: string;
  /** Of miners, of gateways and proxies alone; undefined also where a pod could not be asked. */
  readonly connections: number | undefined;
  /** RFC 3339. */
  readonly createdAt: string | undefined;
}

export interface ResourceState {
  readonly kind: Owner['kind'];
  readonly namespace: string;
  readonly name: string;
  readonly isPaused: boolean;
  readonly isBeingDeleted: boolean;
  readonly authorityPublicKey: string | undefined;
  /** Of gateways or proxies, as the operator sees them. */
  readonly fleet: FleetStatus;
  readonly conditions: NonNullable<NonNullable<Owner['status']>['conditions']>;
  readonly endpoints: NonNullable<NonNullable<Owner['status']>['endpoints']>;
  /** Of a ProxyFleet. */
  readonly upstreams: readonly { readonly name: string; readonly state: string }[];
  readonly pods: readonly PodState[];
}

export async function resourceState(cluster: Cluster, owner: Owner): Promise<ResourceState> {
  const pods = await cluster.pods(owner);
  const { metadata, status } = owner;
  return {
    ...{ kind: owner.kind, namespace: metadata.namespace, name: metadata.name },
    isPaused: isPaused(owner),
    isBeingDeleted: metadata.deletionTimestamp !== undefined,
    authorityPublicKey: status?.authorityPublicKey,
    fleet: (owner.kind === 'MiningPool' ? owner.status?.gateways : owner.status?.proxies) ?? {},
    conditions: status?.conditions ?? [],
    endpoints: status?.endpoints ?? [],
    upstreams: (owner.kind === 'ProxyFleet' && owner.status?.upstreams) || [],
    pods: await Promise.all(
      pods
        .toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))
        .map(async (pod) => podState(pod, await connectionsOf(cluster, pod))),
    ),
  };
}

export const isPaused = ({ metadata }: Owner) => metadata.annotations?.[PAUSE] === 'true';

/** Of those that hold miners. */
export const isOfFleet = (pod: Pod) => ['connection-gateway', 'proxy'].includes(componentOf(pod));

/** Undefined: it holds no miners, or does not say. */
export async function connectionsOf(cluster: Cluster, pod: Pod): Promise<number | undefined> {
  if (!isOfFleet(pod) || pod.status?.phase !== 'Running') return undefined;
  const text = await cluster.metricsText(pod);
  return text === undefined ? undefined : connectionsIn(text);
}

/** @param text metrics of a gateway or a proxy, as Prometheus reads them */
export function connectionsIn(text: string): number | undefined {
  const values = text.split('\n').flatMap((line) => {
    const [name = '', value = ''] = line.split(' ');
    return CONNECTIONS.includes(name) ? [Number(value)] : [];
  });
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

export function podState(pod: Pod, connections: number | undefined): PodState {
  const { isReady } = observedPod(pod, undefined);
  const { name, creationTimestamp: createdAt } = pod.metadata;
  return { ...{ name, component: componentOf(pod), isReady, connections, createdAt }, state: stateOf(pod) };
}

export function stateOf(pod: Pod): string {
  const observed = observedPod(pod, undefined);
  if (observed.isTerminating) return 'ending';
  const { phase = 'Unknown', reason, containerStatuses = [] } = pod.status ?? {};
  const waiting = containerStatuses.find(({ state }) => state?.waiting?.reason !== undefined)?.state?.waiting?.reason;
  const stage = isOfFleet(pod) ? stageOf(observed) : undefined;
  if (stage !== undefined && stage !== 'accepting') return stage;
  if (waiting !== undefined || phase !== 'Running') return waiting ?? reason ?? phase;
  if (!observed.isReady) return 'not ready';
  if (stage === undefined) return 'running';
  if (isAskedToGo(observed)) return 'asked to go';
  return rebalancingOf(observed) === undefined ? 'accepting' : 'rebalancing';
}
