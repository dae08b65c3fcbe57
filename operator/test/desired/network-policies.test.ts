// Who may connect to whom: the policies as a network would read them.
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/desired/manifest.ts';
import { fleetNetworkPolicy, poolNetworkPolicies } from '../../src/desired/network-policies.ts';
import { podMonitor } from '../../src/desired/pod-monitor.ts';
import { asYaml } from '../as-yaml.ts';
import { examplePool, exampleProxyFleet } from '../defaulted.ts';

type Labels = Readonly<Record<string, string>>;
interface Place {
  readonly namespace: string;
  readonly labels: Labels;
}
interface Peer {
  readonly podSelector?: { readonly matchLabels: Labels };
  readonly namespaceSelector?: { readonly matchLabels: Labels };
}
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly protocol: string; readonly port: number }[];
}
interface Spec {
  readonly podSelector: { readonly matchLabels: Labels };
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

const context = { operatorNamespace: 'sluice', monitoringNamespace: 'monitoring' };
const policies = [
  ...poolNetworkPolicies(examplePool('regtest'), context),
  fleetNetworkPolicy(exampleProxyFleet('farm'), context),
  fleetNetworkPolicy(exampleProxyFleet('farm-by-tls'), context),
];

/** A pod of ours, with the labels that its policy selects and those of its objects. */
const ours = (name: string): Place => {
  const policy = policies.find(({ metadata }) => metadata.name === name);
  if (policy === undefined) throw new Error(`no policy ${name}`);
  return { namespace: 'mining', labels: policy.metadata.labels };
};
const outside: Place = { namespace: 'elsewhere', labels: {} };
const inNamespace = (namespace: string): Place => ({ namespace, labels: {} });

const holds = (wanted: Labels, labels: Labels) => Object.entries(wanted).every(([key, value]) => labels[key] === value);
const isPeer = ({ podSelector, namespaceSelector }: Peer, { namespace, labels }: Place) =>
  namespaceSelector === undefined
    ? namespace === 'mining' && holds(podSelector?.matchLabels ?? {}, labels)
    : holds(namespaceSelector.matchLabels, { 'kubernetes.io/metadata.name': namespace });
const allows = (rules: readonly Rule[], place: Place, port: number) =>
  rules.some(
    ({ from, to, ports }) =>
      ((from ?? to) === undefined || (from ?? to)?.some((peer) => isPeer(peer, place))) &&
      (ports === undefined || ports.some((each) => each.protocol === 'TCP' && each.port === port)),
  );
/** As policies are: a pod that one of them selects has what they allow, and no more. */
function connects(from: Place, to: Place, port: number): boolean {
  const selecting = (place: Place) =>
    policies
      .map(({ spec }: Manifest) => spec as Spec)
      .filter(({ podSelector }) => place.namespace === 'mining' && holds(podSelector.matchLabels, place.labels));
  const out = selecting(from).map(({ egress }) => allows(egress, to, port));
  const into = selecting(to).map(({ ingress }) => allows(ingress, from, port));
  return (out.length === 0 || out.includes(true)) && (into.length === 0 || into.includes(true));
}

type Row = [what: string, from: Place, to: Place, port: number];
const services = ['demo-gw', 'demo-cm', 'demo-jd', 'demo-sv', 'demo-tp'];

describe('network policies', () => {
  it('of the examples are as in their golden file, and so are what collects metrics', async () => {
    const monitors = [podMonitor(examplePool('regtest')), podMonitor(exampleProxyFleet('farm'))];
    await expect(asYaml([...policies, ...monitors])).toMatchFileSnapshot('../golden/network.yaml');
  });

  it.each<Row>([
    ['miners to gateways', outside, ours('demo-gw'), 3336],
    ['miners to proxies', outside, ours('farm-px'), 34_255],
    ['miners by TLS to proxies', outside, ours('hall-4-px'), 34_256],
    ['gateways to providers, for blocks', ours('demo-gw'), ours('demo-tp'), 8337],
    ['providers to nodes', ours('demo-tp'), ours('demo-node-a'), 8332],
    ['providers to news of blocks', ours('demo-tp'), ours('demo-node-a'), 28_332],
    ['providers to nodes of others', ours('demo-tp'), outside, 8332],
    ['proxies to pools of others', ours('farm-px'), outside, 3333],
    ['proxies to gateways', ours('farm-px'), ours('demo-gw'), 3336],
    ['nodes to nodes', ours('demo-node-a'), ours('demo-node-a'), 8333],
    ['NATS servers to each other', ours('demo-nats'), ours('demo-nats'), 6222],
    ['the operator to NATS', inNamespace('sluice'), ours('demo-nats'), 4222],
    ...services.flatMap((name): Row[] => [
      [`${name} to NATS`, ours(name), ours('demo-nats'), 4222],
      [`${name} to what NATS says of itself`, ours(name), ours('demo-nats'), 8222],
    ]),
    ...[...services, 'farm-px'].flatMap((name): Row[] => [
      [`the operator to ${name}`, inNamespace('sluice'), ours(name), 9100],
      [`what collects metrics to ${name}`, inNamespace('monitoring'), ours(name), 9100],
    ]),
    ...services.map((name): Row => [`${name} to DNS`, ours(name), inNamespace('kube-system'), 53]),
  ])('let %s', (_what, from, to, port) => {
    expect(connects(from, to, port)).toBe(true);
  });

  it.each<Row>([
    ['miners to metrics', outside, ours('demo-gw'), 9100],
    ['miners to NATS', outside, ours('demo-nats'), 4222],
    ['proxies to NATS', ours('farm-px'), ours('demo-nats'), 4222],
    ['nodes to NATS', ours('demo-node-a'), ours('demo-nats'), 4222],
    ['services as NATS servers', ours('demo-gw'), ours('demo-nats'), 6222],
    ['what collects metrics to NATS', inNamespace('monitoring'), ours('demo-nats'), 4222],
    ['gateways to nodes', ours('demo-gw'), ours('demo-node-a'), 8332],
    ['gateways to anywhere', ours('demo-gw'), outside, 443],
    ['channel managers to blocks', ours('demo-cm'), ours('demo-tp'), 8337],
    ['proxies to nodes', ours('farm-px'), ours('demo-node-a'), 8332],
    ['validators to gateways', ours('demo-sv'), ours('demo-gw'), 3336],
  ])('do not let %s', (_what, from, to, port) => {
    expect(connects(from, to, port)).toBe(false);
  });

  it('let services anywhere where the bus is, which may be anywhere', () => {
    const pool = examplePool('regtest');
    const external = { servers: ['nats://nats.example:4222'], monitors: [], streamReplicas: 1 as const };
    const bus = { mode: 'External' as const, external, streamDeletionPolicy: 'Retain' as const };
    const made = poolNetworkPolicies({ ...pool, spec: { ...pool.spec, bus } }, context);
    expect(made.map(({ metadata }) => metadata.name)).not.toContain('demo-nats');
    for (const { metadata, spec } of made) expect((spec as Spec).egress, metadata.name).toEqual([{}]);
  });
});
