// What a node and images need from the machine: root, control groups, and Debian's packages.
import { existsSync } from 'node:fs';
import { installPackages, mayInstall, onPath } from '../debian-packages.ts';
import { controlPlanePrograms, kubernetesPrograms, nodePrograms, whyNoKubernetes } from './binaries.ts';

/** With a program or file of each package, by which it is known to be there. */
const packages = {
  containerd: 'containerd',
  runc: 'runc',
  'containernetworking-plugins': '/usr/lib/cni/bridge',
  iptables: 'iptables',
  conntrack: 'conntrack',
  ipset: 'ipset',
  iproute2: 'ip',
  procps: 'pgrep',
  mmdebstrap: 'mmdebstrap',
  buildah: 'buildah',
} as const;

const missing = (): readonly string[] =>
  Object.entries(packages)
    .filter(([, sign]) => !(sign.startsWith('/') ? existsSync(sign) : onPath(sign)))
    .map(([name]) => name);

/** Why there is no node here, in one line; undefined when there is one, or can be. */
export function whyNoClusterNode(): string | undefined {
  if (process.getuid?.() !== 0) return 'a node of a cluster needs root';
  if (!existsSync('/sys/fs/cgroup/cpuset')) return 'a node of a cluster needs control groups of version 1';
  if (missing().length > 0 && !mayInstall()) return `a node of a cluster needs apt-get install ${missing().join(' ')}`;
  return whyNoKubernetes([...nodePrograms, 'helm']);
}

/** Installs and builds what is not here yet, which takes minutes on a new machine. */
export async function prepareClusterNode(): Promise<void> {
  const left = missing();
  if (left.length > 0) {
    console.log(`installing ${left.join(', ')}`);
    await installPackages(...left);
  }
  await kubernetesPrograms([...controlPlanePrograms, ...nodePrograms, 'helm']);
}
