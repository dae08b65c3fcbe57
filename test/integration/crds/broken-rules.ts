// For each rule of the custom resources an object that breaks it and nothing else: a change of one that is stored, which is where all rules
// hold, or one that is new.

const pool = {
  apiVersion: 'mining.sluice.dev/v1alpha1',
  kind: 'MiningPool',
  metadata: { name: 'pool' },
  spec: {
    network: 'mainnet',
    payout: { outputs: [{ descriptor: 'raw(51)' }] },
    nodes: [
      { name: 'a', rpcURL: 'http://node:8332', zmqURL: 'tcp://node:28332', credentialsSecretRef: { name: 'rpc' } },
      { name: 'b', managed: { storage: { size: '800Gi', storageClassName: 'slow' } } },
    ],
    bus: { mode: 'Managed', managed: { storage: { size: '10Gi' } } },
    gateways: {
      listeners: [
        {
          name: 'sv2',
          protocol: 'SV2',
          port: 3336,
          service: { type: 'LoadBalancer', sourceRanges: ['10.0.0.0/8'], loadBalancerClass: 'example/nlb' },
        },
        { name: 'plain', protocol: 'SV2', port: 3337 },
      ],
    },
  },
};

const externalBusPool = {
  ...pool,
  metadata: { name: 'external-bus' },
  spec: {
    ...pool.spec,
    bus: { mode: 'External', external: { servers: ['nats://nats:4222'], monitors: ['http://nats:8222'] } },
  },
};

const fleet = {
  apiVersion: 'mining.sluice.dev/v1alpha1',
  kind: 'ProxyFleet',
  metadata: { name: 'fleet' },
  spec: {
    upstreams: [
      { name: 'own', poolRef: { name: 'pool' } },
      {
        name: 'other',
        url: 'stratum2+tcp://pool.example:3333/9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72',
        identity: 'account',
      },
      {
        ...{ name: 'old', url: 'stratum+tcp://old.example:3333', identity: 'account' },
        credentialsSecretRef: { name: 'old', key: 'password' },
      },
    ],
    noise: {},
    proxies: { listeners: [{ name: 'sv1', protocol: 'SV1', port: 34255 }] },
  },
};

const regtestPool = { ...pool, metadata: { name: 'regtest' }, spec: { ...pool.spec, network: 'regtest' } };

/** The objects that the API server holds before; all others are new. */
export const stored = [pool, externalBusPool, regtestPool, fleet] as const;

const named = <T>(name: string, object: T) => ({ ...object, metadata: { name } });

interface BrokenRule {
  /** What the API server says, and nothing else. */
  readonly message: string;
  readonly of: { readonly kind: string; readonly metadata: { readonly name: string }; readonly spec: object };
  // biome-ignore lint/suspicious/noExplicitAny: what breaks a rule is often no value of the type.
  readonly by: (spec: any) => unknown;
}

const assign = (target: object, fields: object) => Object.assign(target, fields);

const BAD_NAME =
  'metadata.name must be up to 40 lower-case letters, digits and hyphens that begin with a letter and end in none of the hyphens';

export const brokenRules: readonly BrokenRule[] = [
  ...['1pool', 'eu.west', 'p'.repeat(41)].flatMap((name) =>
    [pool, fleet].map((object) => ({ message: BAD_NAME, of: named(name, object), by: () => {} })),
  ),
  {
    message:
      'metadata.name and the name of a managed node must have 46 characters at most together, for the names of its pods',
    of: named('p'.repeat(40), pool),
    by: (spec) => assign(spec.nodes[1], { name: 'seventh' }),
  },
  {
    message: 'network cannot be changed',
    of: pool,
    by: (spec) => assign(spec, { network: 'signet' }),
  },
  {
    message: 'ephemeral storage of the bus is for network regtest alone, since it loses shares',
    of: named('new', pool),
    by: (spec) => assign(spec.bus.managed.storage, { ephemeral: true }),
  },
  {
    message: 'ephemeral storage of a node is for network regtest alone',
    of: pool,
    by: (spec) => spec.nodes.push({ name: 'c', managed: { storage: { ephemeral: true } } }),
  },
  {
    message: 'gateways speak SV2 alone; miners of Stratum V1 connect to a ProxyFleet',
    of: pool,
    by: (spec) => assign(spec.gateways.listeners[1], { protocol: 'SV1' }),
  },
  {
    message: 'a node has either rpcURL or managed',
    of: pool,
    by: (spec) => assign(spec.nodes[0], { managed: { storage: { size: '1Gi' } } }),
  },
  {
    message: 'zmqURL and credentialsSecretRef go with rpcURL',
    of: pool,
    by: (spec) => assign(spec.nodes[1], { credentialsSecretRef: { name: 'rpc' } }),
  },
  {
    message: 'rpcURL is http://HOST:PORT, without user and password, which belong in credentialsSecretRef',
    of: pool,
    by: (spec) => assign(spec.nodes[0], { rpcURL: 'http://user:password@node:8332' }),
  },
  {
    message: 'zmqURL is tcp://HOST:PORT',
    of: pool,
    by: (spec) => assign(spec.nodes[0], { zmqURL: 'tcp://node' }),
  },
  {
    message: 'size is required, unless ephemeral is true',
    of: pool,
    by: (spec) => spec.nodes.push({ name: 'c', managed: { storage: { storageClassName: 'slow' } } }),
  },
  {
    message: 'ephemeral cannot be changed',
    of: regtestPool,
    by: (spec) => assign(spec.bus.managed.storage, { ephemeral: true }),
  },
  {
    message: 'storage of the bus must be 8Gi or more, since block candidates alone have 4Gi of it',
    of: named('new', pool),
    by: (spec) => assign(spec.bus.managed.storage, { size: '1Gi' }),
  },
  {
    message: 'storage may only grow',
    of: pool,
    by: (spec) => assign(spec.bus.managed.storage, { size: '10G' }),
  },
  {
    message: 'storageClassName cannot be changed',
    of: pool,
    by: (spec) => assign(spec.nodes[1].managed, { storage: { size: '800Gi' } }),
  },
  {
    message: 'mode of the bus cannot be changed',
    of: pool,
    by: (spec) => assign(spec, { bus: { mode: 'External', external: { servers: ['nats://nats:4222'] } } }),
  },
  {
    message: 'managed goes with mode Managed, and mode Managed with managed',
    of: pool,
    by: (spec) => assign(spec, { bus: { mode: 'Managed' } }),
  },
  {
    message: 'external goes with mode External, and mode External with external',
    of: pool,
    by: (spec) => assign(spec.bus, { external: { servers: ['nats://nats:4222'] } }),
  },
  {
    message: 'replicas of the bus cannot be changed',
    of: pool,
    by: (spec) => assign(spec.bus.managed, { replicas: 3 }),
  },
  {
    message: 'streamReplicas cannot be changed',
    of: externalBusPool,
    by: (spec) => assign(spec.bus.external, { streamReplicas: 3 }),
  },
  {
    message:
      'a server is nats://HOST:PORT or tls://HOST:PORT, without user and password, which belong in credentialsSecretRef',
    of: externalBusPool,
    by: (spec) => spec.bus.external.servers.push('nats://user:password@nats:4222'),
  },
  {
    message: 'a monitor is http://HOST:PORT or https://HOST:PORT',
    of: externalBusPool,
    by: (spec) => spec.bus.external.monitors.push('nats:8222'),
  },
  {
    message: 'minReplicas of shareValidator must not be more than maxReplicas',
    of: pool,
    by: (spec) => assign(spec, { services: { shareValidator: { minReplicas: 9 } } }),
  },
  {
    message: 'secretRef goes with mode Existing, and mode Existing with secretRef',
    of: named('new', pool),
    by: (spec) => assign(spec, { noise: { authorityKey: { mode: 'Existing' } } }),
  },
  {
    message: 'authorityKey cannot be changed',
    of: pool,
    by: (spec) =>
      assign(spec, { noise: { authorityKey: { mode: 'Existing', secretRef: { name: 'key', key: 'authority.key' } } } }),
  },
  {
    message: 'renewBefore must be shorter than validity',
    of: pool,
    by: (spec) => assign(spec, { noise: { certificate: { validity: '360h', renewBefore: '360h' } } }),
  },
  {
    message: 'validity must be from 1h to 8760h',
    of: pool,
    by: (spec) => assign(spec, { noise: { certificate: { validity: '8760h1s' } } }),
  },
  {
    message: 'renewBefore must be 10m or longer',
    of: pool,
    by: (spec) => assign(spec, { noise: { certificate: { renewBefore: '9m59s' } } }),
  },
  {
    message: 'two listeners have the same port',
    of: pool,
    by: (spec) => assign(spec.gateways.listeners[1], { port: 3336 }),
  },
  ...[{ port: 9100 }, { name: 'health' }].map((taken) => ({
    message: 'port 9100 and the name health are those of health and metrics',
    of: pool,
    by: (spec: typeof pool.spec) => assign(spec.gateways.listeners[1] ?? {}, taken),
  })),
  {
    message: 'tls goes with protocol SV1; Stratum V2 is encrypted without it',
    of: pool,
    by: (spec) => assign(spec.gateways.listeners[1], { tls: { secretRef: { name: 'certificate' } } }),
  },
  {
    message: 'all listeners with tls name one Secret',
    of: fleet,
    by: (spec) => {
      const [sv1] = spec.proxies.listeners;
      spec.proxies.listeners = ['first', 'second'].map((name, index) => ({
        ...{ ...sv1, name, port: sv1.port + index, tls: { secretRef: { name } } },
      }));
    },
  },
  {
    message: 'targetConnectionsPerPod is more than the listeners take, maxConnectionsPerPod of all together',
    of: pool,
    by: (spec) => assign(spec.gateways, { autoscaling: { targetConnectionsPerPod: 20_001 } }),
  },
  {
    message: 'minReplicas must not be more than maxReplicas',
    of: pool,
    by: (spec) => assign(spec.gateways, { autoscaling: { minReplicas: 21 } }),
  },
  {
    message: 'scaleUpWindow must be 1h or shorter',
    of: pool,
    by: (spec) => assign(spec.gateways, { autoscaling: { scaleUpWindow: '61m' } }),
  },
  {
    message: 'scaleDownWindow must be 24h or shorter',
    of: pool,
    by: (spec) => assign(spec.gateways, { autoscaling: { scaleDownWindow: '25h' } }),
  },
  {
    message: 'timeout must be from 10s to 1h',
    of: pool,
    by: (spec) => assign(spec.gateways, { drain: { timeout: '9s' } }),
  },
  {
    message: 'vendors go with mode AllowList, and mode AllowList with vendors',
    of: pool,
    by: (spec) => assign(spec.gateways, { drain: { reconnect: { vendors: ['braiins'] } } }),
  },
  {
    message: 'progressDeadline must be longer than minReadySeconds',
    of: pool,
    by: (spec) => assign(spec.gateways, { rollout: { minReadySeconds: 900 } }),
  },
  {
    message: 'progressDeadline must be 24h or shorter',
    of: pool,
    by: (spec) => assign(spec.gateways, { rollout: { progressDeadline: '1441m' } }),
  },
  {
    message: "labels of mining.sluice.dev and app.kubernetes.io are the operator's own",
    of: pool,
    by: (spec) => assign(spec.gateways, { podLabels: { 'app.kubernetes.io/name': 'mine' } }),
  },
  {
    message: "annotations of mining.sluice.dev and the pod deletion cost are the operator's own",
    of: pool,
    by: (spec) => assign(spec.gateways, { podAnnotations: { 'controller.kubernetes.io/pod-deletion-cost': '1' } }),
  },
  {
    message: 'nodePort goes with type NodePort or LoadBalancer',
    of: pool,
    by: (spec) => assign(spec.gateways.listeners[1], { service: { nodePort: 30_333 } }),
  },
  {
    message: 'sourceRanges go with type LoadBalancer',
    of: pool,
    by: (spec) => assign(spec.gateways.listeners[1], { service: { sourceRanges: ['10.0.0.0/8'] } }),
  },
  {
    message: 'loadBalancerClass goes with type LoadBalancer',
    of: pool,
    by: (spec) => assign(spec.gateways.listeners[1], { service: { loadBalancerClass: 'example/nlb' } }),
  },
  {
    message: 'loadBalancerClass cannot be changed while type is LoadBalancer',
    of: pool,
    by: (spec) => assign(spec.gateways.listeners[0].service, { loadBalancerClass: 'example/other' }),
  },
  {
    message: 'noise is required with a listener of protocol SV2, whose miners know the fleet by its key',
    of: named('new', fleet),
    by: (spec) => {
      delete spec.noise;
      spec.proxies.listeners.push({ name: 'sv2', protocol: 'SV2', port: 34_265 });
    },
  },
  {
    message: 'noise cannot be removed, since its key would be forgotten',
    of: fleet,
    by: (spec) => delete spec.noise,
  },
  {
    message: 'an upstream has either poolRef or url',
    of: fleet,
    by: (spec) => spec.upstreams.push({ name: 'nowhere' }),
  },
  {
    message: 'credentialsSecretRef goes with a url of Stratum V1',
    of: fleet,
    by: (spec) => assign(spec.upstreams[0], { credentialsSecretRef: { name: 'own', key: 'password' } }),
  },
  {
    message: 'identity is required with url, since it is whom the pool pays',
    of: fleet,
    by: (spec) => delete spec.upstreams[1].identity,
  },
  {
    message:
      'url is stratum2+tcp://HOST:PORT/AUTHORITY_KEY, stratum+tcp://HOST:PORT or stratum+ssl://HOST:PORT, without user and password',
    of: fleet,
    by: (spec) => assign(spec.upstreams[2], { url: 'stratum+tcp://user:password@old.example:3333' }),
  },
  {
    message: "url of Stratum V2 ends in the pool's authority key, without which anybody could be the pool",
    of: fleet,
    by: (spec) => assign(spec.upstreams[1], { url: 'stratum2+tcp://pool.example:3333' }),
  },
  {
    message:
      'url of Stratum V1 ends in HOST:PORT; what its pool knows of the farm belongs in identity and credentialsSecretRef',
    of: fleet,
    by: (spec) => assign(spec.upstreams[2], { url: 'stratum+tcp://old.example:3333/worker' }),
  },
  {
    message: 'two upstreams are the same MiningPool',
    of: fleet,
    by: (spec) => spec.upstreams.push({ ...spec.upstreams[0], name: 'again' }),
  },
  {
    message: 'two upstreams have the same HOST:PORT',
    of: fleet,
    by: (spec) => spec.upstreams.push({ name: 'again', url: 'stratum+tcp://pool.example:3333', identity: 'account' }),
  },
  {
    message: 'a proxy holds at most 65535 connections, maxConnectionsPerPod of all its listeners together',
    of: fleet,
    by: (spec) =>
      spec.proxies.listeners.push({ name: 'more', protocol: 'SV1', port: 34_256, maxConnectionsPerPod: 60_000 }),
  },
  {
    message: 'returnAfter must be from 1s to 24h',
    of: fleet,
    by: (spec) => assign(spec, { failover: { returnAfter: '24h1s' } }),
  },
  {
    message: 'template must hold {worker} with mode PerDevice',
    of: fleet,
    by: (spec) => assign(spec, { identity: { template: '{account}' } }),
  },
];
