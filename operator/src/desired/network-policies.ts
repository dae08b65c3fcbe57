// The network policies of a pool and of a fleet: miners come from everywhere, everything else from where it belongs.
import type { Fleet, MiningPool, ProxyFleet } from '../api/v1alpha1.ts';
import { bitcoindPorts } from './bitcoind-config.ts';
import type { Manifest } from './manifest.ts';
import { natsPorts } from './nats-names.ts';
import { type NetworkContext, namespacePeer, networkPolicy, podPeer, tcp } from './network-policy.ts';
import { SOLUTION_PORT } from './template-providers.ts';
import { commonLabels, type Workload, workloadSelector } from './workload.ts';

/** The services of a pool that are on its bus, by what their names have behind the pool's. */
const onBus = {
  gw: 'connection-gateway',
  cm: 'channel-manager',
  jd: 'job-distributor',
  sv: 'share-validator',
  tp: 'template-provider',
} as const satisfies Partial<Record<Workload['infix'], Workload['component']>>;

type OnBus = keyof typeof onBus;

export function poolNetworkPolicies(pool: MiningPool, context: NetworkContext): readonly Manifest[] {
  const { bus, nodes, gateways } = pool.spec;
  const service = (infix: OnBus): Workload => ({ owner: pool, infix, component: onBus[infix] });
  const nats: Workload = { owner: pool, infix: 'nats', component: 'nats' };
  const peer = (workload: Workload) => podPeer(workloadSelector(workload));
  // Servers of the user's may be anywhere.
  const toBus =
    bus.managed === undefined ? undefined : { to: [peer(nats)], ports: tcp(natsPorts.client, natsPorts.monitor) };
  const solutions = tcp(SOLUTION_PORT);
  const toBusAnd = (...others: readonly object[]) => (toBus === undefined ? 'any' : [toBus, ...others]);

  const managed = nodes.filter((node) => node.managed !== undefined);
  const nodeOf = ({ name }: { readonly name: string }): Workload => ({
    ...{ owner: pool, infix: `node-${name}`, component: 'bitcoind' },
  });
  const clients = (Object.keys(onBus) as OnBus[]).map((infix) => peer(service(infix)));
  return [
    networkPolicy(service('gw'), context, {
      ingress: [fromMiners(gateways)],
      egress: toBusAnd({ to: [peer(service('tp'))], ports: solutions }),
    }),
    ...(['cm', 'jd', 'sv'] as const).map((infix) =>
      networkPolicy(service(infix), context, { ingress: [], egress: toBusAnd() }),
    ),
    networkPolicy(service('tp'), context, {
      ingress: [{ from: [peer(service('gw'))], ports: solutions }],
      egress: 'any',
    }),
    ...(bus.managed === undefined
      ? []
      : [
          networkPolicy(nats, context, {
            ingress: [
              { from: [...clients, namespacePeer(context.operatorNamespace)], ports: tcp(natsPorts.client) },
              {
                from: [...clients, ...[context.operatorNamespace, context.monitoringNamespace].map(namespacePeer)],
                ports: tcp(natsPorts.monitor),
              },
              { from: [peer(nats)], ports: tcp(natsPorts.cluster) },
            ],
            egress: [{ to: [peer(nats)], ports: tcp(natsPorts.cluster) }],
          }),
        ]),
    ...managed.map((node) =>
      networkPolicy(nodeOf(node), context, {
        ingress: [
          { from: [peer(service('tp'))], ports: tcp(bitcoindPorts.rpc, bitcoindPorts.zmq) },
          { from: [podPeer(commonLabels(nodeOf(node)))], ports: tcp(bitcoindPorts.p2p) },
        ],
        egress: 'any',
      }),
    ),
  ];
}

export function fleetNetworkPolicy(owner: ProxyFleet, context: NetworkContext): Manifest {
  const workload: Workload = { owner, infix: 'px', component: 'proxy' };
  return networkPolicy(workload, context, { ingress: [fromMiners(owner.spec.proxies)], egress: 'any' });
}

const fromMiners = ({ listeners }: Fleet) => ({ ports: tcp(...listeners.map(({ port }) => port)) });
