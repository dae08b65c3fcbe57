// What a node and images need from the machine: root, control groups, and Debian's packages.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@sluice/runtime/errors';
import { installPackages, mayInstall, onPath } from '../debian-packages.ts';
import { run } from '../run.ts';
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

const programs = [...controlPlanePrograms, ...nodePrograms, 'helm'] as const;

const missing = (): readonly string[] =>
  Object.entries(packages)
    .filter(([, sign]) => !(sign.startsWith('/') ? existsSync(sign) : onPath(sign)))
    .map(([name]) => name);

/** Why there is no node here, in one line; undefined when there can be one. Installs the packages that are missing, where it may. */
export async function whyNoClusterNode(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'a node of a cluster needs root';
  if (!existsSync('/sys/fs/cgroup/cpuset')) return 'a node of a cluster needs control groups of version 1';
  const left = missing();
  if (left.length > 0 && !mayInstall()) return `a node of a cluster needs apt-get install ${left.join(' ')}`;
  try {
    if (left.length > 0) {
      console.log(`installing ${left.join(', ')}`);
      await installPackages(...left);
    }
    // Root of a container has other rights than that of a machine.
    await run(join(import.meta.dirname, 'node/may-run.sh'), []);
  } catch (error) {
    return `a node of a cluster cannot be had here: ${messageOf(error).trimEnd().split('\n').slice(-1)}`;
  }
  return whyNoKubernetes(programs);
}

/** Builds the programs that are not here yet, which takes minutes on a new machine. */
export async function prepareClusterNode(): Promise<void> {
  await kubernetesPrograms(programs);
}
