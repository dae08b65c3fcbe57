// The custom resources as the API server gives them. Generated from crds/src by npm run crds.
import type { ObjectMeta } from './object-meta.ts';

/**
 * A Stratum V2 mining pool with its services, its bus and the gateways that hold its miners' connections.
 */
export interface MiningPool {
  /**
   * Version of the schema, mining.sluice.dev/v1alpha1.
   */
  apiVersion: 'mining.sluice.dev/v1alpha1';
  /**
   * Kind of the resource, MiningPool.
   */
  kind: 'MiningPool';
  /**
   * Name, namespace, labels and annotations.
   */
  metadata: ObjectMeta;
  /**
   * What the pool is meant to be.
   */
  spec: MiningPoolSpec;
  /**
   * What the operator has found; it is made anew wherever it is lost.
   */
  status?: MiningPoolStatus;
}

/**
 * Mining proxies in front of an ordered list of pools, of your own or of others, as many as their miners need.
 */
export interface ProxyFleet {
  /**
   * Version of the schema, mining.sluice.dev/v1alpha1.
   */
  apiVersion: 'mining.sluice.dev/v1alpha1';
  /**
   * Kind of the resource, ProxyFleet.
   */
  kind: 'ProxyFleet';
  /**
   * Name, namespace, labels and annotations.
   */
  metadata: ObjectMeta;
  /**
   * What the fleet is meant to be.
   */
  spec: ProxyFleetSpec;
  /**
   * What the operator has found; it is made anew wherever it is lost.
   */
  status?: ProxyFleetStatus;
}

/**
 * What the pool is meant to be.
 */
export interface MiningPoolSpec {
  /**
   * The network that is mined on. It cannot be changed.
   */
  network: 'mainnet' | 'testnet4' | 'signet' | 'regtest';
  /**
   * Which image runs, and how it is pulled. What is left empty is what the operator itself was installed with.
   */
  image: Image;
  /**
   * Where the reward of blocks goes, and how they are signed.
   */
  payout: {
    /**
     * Where blocks pay to.
     *
     * @minItems 1
     * @maxItems 8
     *
     * Items: One output of the coinbase.
     */
    outputs: {
      /**
       * An output descriptor or an address of the network.
       */
      descriptor: string;
      /**
       * Share of this output, as its weight of the sum of all.
       */
      weight: number;
    }[];
    /**
     * What the pool signs its blocks with, in the coinbase's script; `/Sluice/` where it is empty.
     */
    coinbaseTag: string;
  };
  /**
   * The keys by which miners of Stratum V2 know whom they are connected to, and how long a certificate under them is valid.
   */
  noise: Noise;
  /**
   * The Bitcoin nodes that give templates and take blocks, in order of preference.
   *
   * @minItems 1
   * @maxItems 4
   *
   * Items: One node, of your own or run by the operator.
   */
  nodes: {
    /**
     * Name of the node.
     */
    name: string;
    /**
     * Address of the node's RPC, http://HOST:PORT.
     */
    rpcURL?: string;
    /**
     * The node's -zmqpubrawblock or -zmqpubhashblock address, tcp://HOST:PORT, by which new blocks are known at once.
     */
    zmqURL?: string;
    /**
     * Secret of type kubernetes.io/basic-auth with `username` and `password` of the RPC.
     */
    credentialsSecretRef?: SecretReference;
    /**
     * A bitcoind that the operator runs.
     */
    managed?: {
      /**
       * Which image runs, and how it is pulled. What is left empty is what the operator itself was installed with.
       */
      image: Image;
      /**
       * Where the chain is kept.
       */
      storage: Storage;
      /**
       * What a container asks of its node and may use of it, as in a container of a pod.
       */
      resources: Resources;
      /**
       * Where pods run, as in the specification of a pod.
       */
      scheduling: Scheduling;
    };
  }[];
  /**
   * The NATS servers that the services meet on.
   */
  bus: {
    /**
     * Whether the operator runs the servers, or they are yours. It cannot be changed, since the shares are kept there.
     */
    mode: 'Managed' | 'External';
    /**
     * Servers that the operator runs.
     */
    managed?: {
      /**
       * Servers, and copies of each stream. It cannot be changed; from one to three leads a backup that is restored.
       */
      replicas: 1 | 3 | 5;
      /**
       * Where each server keeps its streams.
       */
      storage: Storage;
      /**
       * Which image runs, and how it is pulled. What is left empty is what the operator itself was installed with.
       */
      image: Image;
      /**
       * What a container asks of its node and may use of it, as in a container of a pod.
       */
      resources: Resources;
      /**
       * Where pods run, as in the specification of a pod.
       */
      scheduling: Scheduling;
    };
    /**
     * Servers of yours, with JetStream.
     */
    external?: {
      /**
       * Addresses of the servers; one that answers is enough.
       *
       * @minItems 1
       * @maxItems 8
       *
       * Items: One address, nats://HOST:PORT or tls://HOST:PORT.
       */
      servers: string[];
      /**
       * Monitoring addresses of all servers, from which it is read whether they sync before they acknowledge.
       *
       * @maxItems 8
       *
       * Items: One address, http://HOST:PORT or https://HOST:PORT.
       */
      monitors: string[];
      /**
       * Copies of each stream. It cannot be changed.
       */
      streamReplicas: 1 | 3 | 5;
      /**
       * Secret of type kubernetes.io/basic-auth with `username` and `password` at the servers.
       */
      credentialsSecretRef?: SecretReference;
      /**
       * The certificate authority of the servers in PEM; with it the connection must be TLS.
       */
      caSecretRef?: SecretKeyReference;
    };
    /**
     * Whether the streams of managed servers, and the volumes that they are on, outlive this resource; from servers of yours nothing is removed.
     */
    streamDeletionPolicy: 'Retain' | 'Delete';
  };
  /**
   * The services between the nodes and the gateways.
   */
  services: {
    /**
     * Says who may mine, and how hard.
     */
    channelManager: ServiceWorkload;
    /**
     * Builds the jobs; one of them leads, the others stand by.
     */
    jobDistributor: ServiceWorkload;
    /**
     * Brings templates from the nodes, and blocks to them.
     */
    templateProvider: ServiceWorkload;
    /**
     * Audits and credits the shares, in as many pods as wait for it.
     */
    shareValidator: {
      /**
       * Never fewer pods than this.
       */
      minReplicas: number;
      /**
       * Never more pods than this.
       */
      maxReplicas: number;
      /**
       * What a container asks of its node and may use of it, as in a container of a pod.
       */
      resources: Resources;
      /**
       * Where pods run, as in the specification of a pod.
       */
      scheduling: Scheduling;
      /**
       * Labels that the pods get beside the operator's own.
       */
      podLabels?: PodLabels;
      /**
       * Annotations that the pods get beside the operator's own.
       */
      podAnnotations?: PodAnnotations;
    };
  };
  /**
   * The gateways, which hold the connections of the miners.
   */
  gateways: Fleet;
}

/**
 * Which image runs, and how it is pulled. What is left empty is what the operator itself was installed with.
 */
export interface Image {
  /**
   * Registry and name of the image, without tag and digest.
   */
  repository: string;
  /**
   * Tag of the image.
   */
  tag: string;
  /**
   * Digest of the image as `sha256:…`; it wins over the tag.
   */
  digest: string;
  /**
   * When the nodes pull the image.
   */
  pullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /**
   * Secrets of the same namespace with the credentials of the registry.
   *
   * @maxItems 8
   *
   * Items: A Secret of the same namespace.
   */
  pullSecrets: SecretReference[];
}

/**
 * A Secret of the same namespace.
 */
export interface SecretReference {
  /**
   * Name of the Secret.
   */
  name: string;
}

/**
 * The keys by which miners of Stratum V2 know whom they are connected to, and how long a certificate under them is valid.
 */
export interface Noise {
  /**
   * The key that miners are given with the address. It cannot be exchanged here, because every miner would have to be told a new one.
   */
  authorityKey: {
    /**
     * Whether the operator makes the key once, or takes it from a Secret that exists.
     */
    mode: 'Generate' | 'Existing';
    /**
     * The secret key as `sluice keys` writes it; the operator takes a copy into its own namespace.
     */
    secretRef?: SecretKeyReference;
  };
  /**
   * The certificates that the operator signs with the authority key.
   */
  certificate: {
    /**
     * How long a certificate is valid.
     */
    validity: Duration;
    /**
     * How long before its end a certificate is renewed. Connected miners notice nothing of it.
     */
    renewBefore: Duration;
  };
  /**
   * Whether the authority key outlives this resource, so that a pool made anew is known to its miners.
   */
  keyDeletionPolicy: 'Retain' | 'Delete';
}

/**
 * One entry of a Secret of the same namespace.
 */
export interface SecretKeyReference {
  /**
   * Name of the Secret.
   */
  name: string;
  /**
   * Name of the entry in the Secret's data.
   */
  key: string;
}

/**
 * A length of time in hours, minutes and seconds, such as `30s`, `15m` or `1h30m`.
 */
export type Duration = string;

/**
 * The volume that a pod keeps its data on.
 */
export interface Storage {
  /**
   * Size of the volume, such as `10Gi`; of an ephemeral one its bound.
   */
  size?: string;
  /**
   * StorageClass of the volume; without it the cluster's default one.
   */
  storageClassName?: string;
  /**
   * Keeps the data on the node for as long as the pod lives, and loses it then. For network regtest alone.
   */
  ephemeral: boolean;
}

/**
 * What a container asks of its node and may use of it, as in a container of a pod.
 */
export interface Resources {
  /**
   * What is set aside for the container, by resource name.
   */
  requests?: {
    /**
     * An amount of a resource, such as `500m`, `2` or `1Gi`.
     */
    [k: string]: Quantity;
  };
  /**
   * What the container may use at most, by resource name.
   */
  limits?: {
    /**
     * An amount of a resource, such as `500m`, `2` or `1Gi`.
     */
    [k: string]: Quantity;
  };
}

/**
 * An amount of a resource, such as `500m`, `2` or `1Gi`.
 */
export type Quantity = number | string;

/**
 * Where pods run, as in the specification of a pod.
 */
export interface Scheduling {
  /**
   * Labels that a node must have.
   */
  nodeSelector?: {
    /**
     * Value of the label.
     */
    [k: string]: string;
  };
  /**
   * Taints of nodes that the pods bear.
   *
   * @maxItems 16
   *
   * Items: One taint, or several.
   */
  tolerations?: {
    /**
     * Key of the taint; without it every key.
     */
    key?: string;
    /**
     * Whether the value must be the same, or may be any.
     */
    operator?: 'Equal' | 'Exists';
    /**
     * Value of the taint.
     */
    value?: string;
    /**
     * Effect of the taint; without it every effect.
     */
    effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
    /**
     * Seconds for which a pod stays on a node with a taint of effect NoExecute; without it for ever.
     */
    tolerationSeconds?: number;
  }[];
  /**
   * Affinity of the pods, as in the specification of a pod; checked when the pods are made.
   */
  affinity?: Record<string, unknown>;
  /**
   * How the pods are spread over zones and nodes; without it over both, where that is possible.
   *
   * @maxItems 8
   *
   * Items: One constraint. The pods that it counts are those of the same part of this resource.
   */
  topologySpread?: {
    /**
     * Label of nodes whose values are the places to spread over, such as `topology.kubernetes.io/zone`.
     */
    topologyKey: string;
    /**
     * Whether a pod that would break the constraint waits, or is placed where it breaks it least.
     */
    whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway';
    /**
     * By how many pods two places may differ.
     */
    maxSkew: number;
  }[];
  /**
   * PriorityClass of the pods.
   */
  priorityClassName?: string;
}

/**
 * The pods of one service of the pool.
 */
export interface ServiceWorkload {
  /**
   * Number of pods.
   */
  replicas: number;
  /**
   * What a container asks of its node and may use of it, as in a container of a pod.
   */
  resources: Resources;
  /**
   * Where pods run, as in the specification of a pod.
   */
  scheduling: Scheduling;
  /**
   * Labels that the pods get beside the operator's own.
   */
  podLabels?: PodLabels;
  /**
   * Annotations that the pods get beside the operator's own.
   */
  podAnnotations?: PodAnnotations;
}

/**
 * Labels that the pods get beside the operator's own.
 */
export interface PodLabels {
  /**
   * Value of the label.
   */
  [k: string]: string;
}

/**
 * Annotations that the pods get beside the operator's own.
 */
export interface PodAnnotations {
  /**
   * Value of the annotation.
   */
  [k: string]: string;
}

/**
 * Processes that hold the connections of miners, as many as the connections need.
 */
export interface Fleet {
  /**
   * Number of pods while autoscaling is off; what `kubectl scale` and a HorizontalPodAutoscaler set.
   */
  replicas: number;
  /**
   * Where miners connect. Each has a Service of its own, whose address stays for as long as the listener does.
   *
   * @minItems 1
   * @maxItems 4
   *
   * Items: One port.
   */
  listeners: {
    /**
     * Name of the listener, of its Service's port and in the status.
     */
    name: string;
    /**
     * What is spoken on this port, Stratum V2 or Stratum V1.
     */
    protocol: 'SV2' | 'SV1';
    /**
     * The port, of the pods and of the Service.
     */
    port: number;
    /**
     * What this port adds to the connections that one pod holds at once over all its listeners; more are closed.
     */
    maxConnectionsPerPod: number;
    /**
     * With it miners of Stratum V1 connect to this port by TLS, and in no other way.
     */
    tls?: {
      /**
       * Secret of type kubernetes.io/tls with the certificate, `tls.crt`, and its key, `tls.key`. Another certificate in it is used from then on, and who is connected stays.
       */
      secretRef: SecretReference;
    };
    /**
     * The Service in front of a listener.
     */
    service: ListenerService;
  }[];
  /**
   * Load balancers in front, as networks in CIDR notation, whose connections begin with a header of the PROXY protocol, version 2, that tells the miner's address. It holds for all listeners.
   *
   * @maxItems 64
   *
   * Items: One network.
   */
  proxyProtocolFrom: string[];
  /**
   * Follows the number of connections, up at once and down slowly. Pods are emptied one by one before they go.
   */
  autoscaling: {
    /**
     * Whether the operator decides the number of pods; `replicas` counts for nothing then.
     */
    enabled: boolean;
    /**
     * Never fewer pods than this.
     */
    minReplicas: number;
    /**
     * Never more pods than this.
     */
    maxReplicas: number;
    /**
     * Connections that a pod is meant to hold.
     */
    targetConnectionsPerPod: number;
    /**
     * For how long the connections must have been too many before pods are added.
     */
    scaleUpWindow: Duration;
    /**
     * For how long the connections must have been few enough before a pod is taken away.
     */
    scaleDownWindow: Duration;
  };
  /**
   * How a pod is emptied before it goes.
   */
  drain: {
    /**
     * After which time the connections that are left are closed.
     */
    timeout: Duration;
    /**
     * Connections that are moved away in a second, and more where the timeout asks for more.
     */
    disconnectsPerSecond: number;
    /**
     * Whether devices are told to connect anew, or found out by a closed connection. Many stop for good at a message that they do not know.
     */
    reconnect: {
      /**
       * Whether nobody is told, or those that vendors lists.
       */
      mode: 'Never' | 'AllowList';
      /**
       * Vendors as they stand in SetupConnection, and beginnings of the software's name in mining.subscribe.
       *
       * @maxItems 32
       *
       * Items: One vendor.
       */
      vendors: string[];
    };
  };
  /**
   * How pods are exchanged for those of a new image or other settings.
   */
  rollout: {
    /**
     * Pods that may run beyond the wanted number meanwhile.
     */
    maxSurge: number;
    /**
     * Pods that stay as they are, so that the new ones can be watched with a part of the miners first.
     */
    partition: number;
    /**
     * Seconds that a new pod must have been ready before an old one is emptied for it.
     */
    minReadySeconds: number;
    /**
     * After which time without progress the exchange stops and is told as failed.
     */
    progressDeadline: Duration;
  };
  /**
   * Moves connections to pods that came later, which would stay empty until miners connect anew.
   */
  rebalance: {
    /**
     * Whether connections are moved.
     */
    enabled: boolean;
    /**
     * By how much a pod may hold more than the mean.
     */
    tolerancePercent: number;
  };
  /**
   * What a container asks of its node and may use of it, as in a container of a pod.
   */
  resources: Resources;
  /**
   * Where pods run, as in the specification of a pod.
   */
  scheduling: Scheduling;
  /**
   * Labels that the pods get beside the operator's own.
   */
  podLabels?: PodLabels;
  /**
   * Annotations that the pods get beside the operator's own.
   */
  podAnnotations?: PodAnnotations;
}

/**
 * The Service in front of a listener.
 */
export interface ListenerService {
  /**
   * How the Service is reached.
   */
  type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  /**
   * Whether connections from outside stay on the node that they come to, which keeps the miner's address, or may go on to another.
   */
  externalTrafficPolicy: 'Local' | 'Cluster';
  /**
   * Port of the nodes; without it Kubernetes chooses one.
   */
  nodePort?: number;
  /**
   * Annotations of the Service, such as those that a cloud's load balancer reads.
   */
  annotations?: {
    /**
     * Value of the annotation.
     */
    [k: string]: string;
  };
  /**
   * Networks in CIDR notation from which the load balancer takes connections; empty for all.
   *
   * @maxItems 64
   *
   * Items: One network.
   */
  sourceRanges: string[];
  /**
   * Which load balancer is meant where there are several.
   */
  loadBalancerClass?: string;
  /**
   * Whether the Service has addresses of one family or of both; without it as the cluster decides.
   */
  ipFamilyPolicy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
}

/**
 * What the operator has found; it is made anew wherever it is lost.
 */
export interface MiningPoolStatus {
  /**
   * The generation of the resource that the status is of.
   */
  observedGeneration?: number;
  /**
   * The key that miners know the pool by, in base58check.
   */
  authorityPublicKey?: string;
  /**
   * The chain that is mined on, as the template providers see it.
   */
  chain?: {
    /**
     * Height of the newest block, told within three minutes and not more often than once a minute.
     */
    height?: number;
  };
  /**
   * The pods of the fleet.
   */
  gateways?: FleetStatus;
  /**
   * Where miners are pointed at.
   */
  endpoints?: Endpoints;
  /**
   * Ready, Progressing, Degraded, BusReady, TemplatesFresh, KeysValid, ScalingActive and ReconciliationPaused.
   */
  conditions?: Conditions;
}

/**
 * The pods of the fleet.
 */
export interface FleetStatus {
  /**
   * Pods that there are, without those that end.
   */
  replicas?: number;
  /**
   * Pods that the fleet is meant to have.
   */
  desired?: number;
  /**
   * Pods that are ready.
   */
  ready?: number;
  /**
   * Pods of the newest revision.
   */
  updated?: number;
  /**
   * Pods that are being emptied.
   */
  draining?: number;
  /**
   * Connections of miners, over all pods.
   */
  connections?: number;
  /**
   * Labels of the fleet's pods, as a selector for the scale subresource.
   */
  selector?: string;
  /**
   * Hash of the newest revision of the pods.
   */
  revision?: string;
}

/**
 * Where miners are pointed at.
 *
 * @maxItems 16
 *
 * Items: An address of a listener.
 */
export type Endpoints = {
  /**
   * Name of the listener.
   */
  listener: string;
  /**
   * The line to give to a miner; of Stratum V2 with the authority's public key.
   */
  uri: string;
}[];

/**
 * What holds at the moment, and since when.
 *
 * @maxItems 16
 *
 * Items: One condition, in the form of Kubernetes' own.
 */
export type Conditions = {
  /**
   * What the condition is about.
   */
  type: string;
  /**
   * Whether it holds.
   */
  status: 'True' | 'False' | 'Unknown';
  /**
   * The generation of the resource that this was found for.
   */
  observedGeneration?: number;
  /**
   * When the status changed last.
   */
  lastTransitionTime: string;
  /**
   * Why, as one word for programs.
   */
  reason: string;
  /**
   * Why, for people.
   */
  message: string;
}[];

/**
 * What the fleet is meant to be.
 */
export interface ProxyFleetSpec {
  /**
   * Which image runs, and how it is pulled. What is left empty is what the operator itself was installed with.
   */
  image: Image;
  /**
   * The pools to mine for, in order of preference.
   *
   * @minItems 1
   * @maxItems 8
   *
   * Items: One pool.
   */
  upstreams: {
    /**
     * Name of the upstream, in the status and in metrics.
     */
    name: string;
    /**
     * A MiningPool of the same namespace. It may come later, and may go.
     */
    poolRef?: {
      /**
       * Name of the MiningPool.
       */
      name: string;
    };
    /**
     * Address of a pool, stratum2+tcp://HOST:PORT/AUTHORITY_KEY, or of one of Stratum V1, stratum+tcp://HOST:PORT or by TLS stratum+ssl://HOST:PORT.
     */
    url?: string;
    /**
     * Account of the farm at this pool; at a MiningPool the name of this fleet without one.
     */
    identity?: string;
    /**
     * Part of the farm that this pool gets beside the others with a weight. One without a weight is to fall back on where any has one.
     */
    weight?: number;
    /**
     * The password at a pool of Stratum V1.
     */
    credentialsSecretRef?: SecretKeyReference;
  }[];
  /**
   * A certificate authority in PEM that pools of Stratum V1 by TLS may have beside the public ones. Proxies read it when they start.
   */
  upstreamCASecretRef?: SecretKeyReference;
  /**
   * When the fleet comes back to a pool. It leaves one at once when that is gone, and within ten seconds when it hangs.
   */
  failover: {
    /**
     * For how long a preferred pool must have been there before the fleet goes back to it.
     */
    returnAfter: Duration;
  };
  /**
   * How the miners are named to the pools.
   */
  identity: {
    /**
     * Whether the pool sees each device, or the farm as a whole.
     */
    mode: 'PerDevice' | 'Aggregated';
    /**
     * The name that the pool is told of each device with mode PerDevice, made of {account}, which is the upstream's identity, and {worker}.
     */
    template: string;
  };
  /**
   * The keys by which miners of Stratum V2 know whom they are connected to, and how long a certificate under them is valid.
   */
  noise?: Noise;
  /**
   * The proxies, which hold the connections of the miners.
   */
  proxies: Fleet;
}

/**
 * What the operator has found; it is made anew wherever it is lost.
 */
export interface ProxyFleetStatus {
  /**
   * The generation of the resource that the status is of.
   */
  observedGeneration?: number;
  /**
   * The key that miners of Stratum V2 know the fleet by, in base58check.
   */
  authorityPublicKey?: string;
  /**
   * Name of the upstream that most of the proxies mine for.
   */
  activeUpstream?: string;
  /**
   * The upstreams as the proxies see them.
   *
   * @maxItems 8
   *
   * Items: One upstream.
   */
  upstreams?: {
    /**
     * Its name.
     */
    name: string;
    /**
     * Whether it is mined for, could be, cannot be, or names a pool that there is not.
     */
    state: 'Active' | 'Standby' | 'Unavailable' | 'NotFound';
  }[];
  /**
   * The pods of the fleet.
   */
  proxies?: FleetStatus;
  /**
   * Where miners are pointed at.
   */
  endpoints?: Endpoints;
  /**
   * Ready, Progressing, Degraded, UpstreamAvailable, KeysValid, ScalingActive and ReconciliationPaused.
   */
  conditions?: Conditions;
}
