// Where miners are pointed at, as lines for their configuration.
import type { Endpoints } from '../api/v1alpha1.ts';
import type { OwnedFleet } from '../desired/fleet.ts';
import { listenerServiceName } from '../desired/listener-service.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';

interface LiveService extends KubernetesObject {
  readonly spec?: { readonly type?: string; readonly ports?: readonly { readonly nodePort?: number }[] };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] };
  };
}

/** In place of an address of a node, of which the operator knows none that miners can reach. */
const ANY_NODE = 'NODE';

/**
 * One for each listener that can be reached: by the address of its load balancer, by a port of each node, or inside of the cluster.
 * @param services as they are, by name
 * @param authorityPublicKey in base58check; listeners of Stratum V2 have none without it
 */
export function endpoints(
  owned: OwnedFleet,
  services: (name: string) => KubernetesObject | undefined,
  authorityPublicKey: string | undefined,
): Endpoints {
  const { namespace } = owned.owner.metadata;
  return owned.fleet.listeners.flatMap(({ name: listener, protocol, port, tls }) => {
    const name = listenerServiceName(owned, listener);
    const address = addressOf(services(name), { host: `${name}.${namespace}.svc`, port });
    if (address === undefined || (protocol === 'SV2' && authorityPublicKey === undefined)) return [];
    const sv1 = tls === undefined ? 'stratum+tcp' : 'stratum+ssl';
    const uri = protocol === 'SV2' ? `stratum2+tcp://${address}/${authorityPublicKey}` : `${sv1}://${address}`;
    return [{ listener, uri }];
  });
}

/** `HOST:PORT`; undefined while it has none. */
function addressOf(
  service: LiveService | undefined,
  inside: { readonly host: string; readonly port: number },
): string | undefined {
  const { type, ports } = service?.spec ?? {};
  if (type === 'ClusterIP') return `${inside.host}:${inside.port}`;
  const nodePort = ports?.[0]?.nodePort;
  if (type === 'NodePort') return nodePort === undefined ? undefined : `${ANY_NODE}:${nodePort}`;
  const [ingress] = service?.status?.loadBalancer?.ingress ?? [];
  const host = ingress?.hostname ?? ingress?.ip;
  if (host === undefined) return undefined;
  return `${host.includes(':') ? `[${host}]` : host}:${inside.port}`;
}
