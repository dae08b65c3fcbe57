// What the programs of a node are told, for a machine that is not theirs alone.
import { basename, join } from 'node:path';

export const NODE_ADDRESS = '172.30.99.2';
export const NODE_NAME = 'node-0';
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';
const POD_NETWORK = '10.244.0.0/24';
const DNS_ADDRESS = '10.96.0.10';
const dnsLabels = { 'k8s-app': 'kube-dns' };

/** Names of the images that a node needs for itself. */
export const PAUSE_IMAGE = 'localhost/pause:1';
export const DNS_IMAGE = 'localhost/coredns:1';

export function podNetwork(directory: string): object {
  const ranges = [[{ subnet: POD_NETWORK }]];
  const ipam = { type: 'host-local', dataDir: join(directory, 'ipam'), ranges, routes: [{ dst: '0.0.0.0/0' }] };
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, hairpinMode: true, ipam };
  const ports = { type: 'portmap', capabilities: { portMappings: true } };
  return { cniVersion: '1.0.0', name: 'pods', plugins: [bridge, ports] };
}

export function containerdSettings(directory: string): string {
  const unused = ['snapshotter.v1.btrfs', 'snapshotter.v1.zfs', 'snapshotter.v1.aufs', 'snapshotter.v1.devmapper'];
  const disabled = unused.map((name) => `"io.containerd.${name}"`).join(', ');
  return `version = 2
root = "${join(directory, 'containerd')}"
state = "/run/containerd"
disabled_plugins = [${disabled}]
[grpc]
  address = "${CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Root without the right to lower it, as in a container, and machines without huge pages.
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${join(directory, 'cni')}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`;
}

/** @param resolver a file as /etc/resolv.conf, for pods that do not ask the cluster's DNS */
export function kubeletSettings(directory: string, resolver: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: NODE_ADDRESS,
    healthzBindAddress: '127.0.0.1',
    // Nobody reaches it but the API server: what is asked of it, such as logs, has been decided there.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${basename(directory)}`,
    failSwapOn: false,
    oomScoreAdj: 0,
    clusterDNS: [DNS_ADDRESS],
    clusterDomain: 'cluster.local',
    resolvConf: resolver,
    volumePluginDir: join(directory, 'volume-plugins'),
    podLogsDir: join(directory, 'pod-logs'),
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    nodeStatusUpdateFrequency: '5s',
    nodeLeaseDurationSeconds: 20,
  };
}

export function proxySettings(kubeconfig: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    bindAddress: NODE_ADDRESS,
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    clientConnection: { kubeconfig },
    clusterCIDR: POD_NETWORK,
    hostnameOverride: NODE_NAME,
    mode: 'iptables',
    oomScoreAdj: 0,
    // They are the whole machine's.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}

// Another name than the cluster's own is answered at once: there is nobody to ask.
const corefile = `cluster.local:53 in-addr.arpa:53 {
  errors
  ready
  kubernetes cluster.local in-addr.arpa {
    ttl 5
  }
  cache 5
}
.:53 {
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;

/** CoreDNS, as every cluster has it. */
export function dnsObjects(): readonly object[] {
  const named = (name: string) => ({ name, namespace: 'kube-system' });
  const account = { kind: 'ServiceAccount', ...named('coredns') };
  const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' };
  const read = ['list', 'watch'];
  const container = {
    name: 'coredns',
    image: DNS_IMAGE,
    imagePullPolicy: 'Never',
    args: ['-conf', '/etc/coredns/Corefile'],
    readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
    volumeMounts: [{ name: 'config', mountPath: '/etc/coredns' }],
  };
  const spec = {
    serviceAccountName: 'coredns',
    dnsPolicy: 'Default',
    containers: [container],
    volumes: [{ name: 'config', configMap: { name: 'coredns' } }],
  };
  const ports = ['UDP', 'TCP'].map((protocol) => ({ name: protocol.toLowerCase(), port: 53, protocol }));
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: named('coredns') },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'system:coredns' },
      rules: [
        { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: read },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: read },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'system:coredns' },
      roleRef: role,
      subjects: [account],
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: named('coredns'), data: { Corefile: corefile } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: named('coredns'),
      spec: { selector: { matchLabels: dnsLabels }, template: { metadata: { labels: dnsLabels }, spec } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: named('kube-dns'),
      spec: { clusterIP: DNS_ADDRESS, selector: dnsLabels, ports },
    },
  ];
}
