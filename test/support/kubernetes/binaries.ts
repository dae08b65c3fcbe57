// Kubernetes' own programs, compiled from the modules that go.mod pins: once into the cache, outside of the clone. No image, registry or
// container runtime takes part.
import { existsSync, globSync, readFileSync, renameSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheDirectory } from '../cache.ts';
import { withMachineLock } from '../machine-lock.ts';
import { run } from '../run.ts';

/** What a cluster without nodes is made of, and what talks to it. */
export const controlPlanePrograms = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
] as const;
/** What a node has besides. */
export const nodePrograms = ['kubelet', 'kube-proxy', 'coredns', 'pause'] as const;
export type KubernetesProgram =
  | (typeof controlPlanePrograms)[number]
  | (typeof nodePrograms)[number]
  | 'helm'
  | 'kwok'
  | 'tilt';

/** By the folder of a Go module. Those of the others are made of other versions of some modules than Kubernetes itself. */
const packages: Readonly<Record<KubernetesProgram, readonly [module: string, name: string]>> = {
  etcd: ['.', 'go.etcd.io/etcd/server/v3'],
  'kube-apiserver': ['.', 'k8s.io/kubernetes/cmd/kube-apiserver'],
  'kube-controller-manager': ['.', 'k8s.io/kubernetes/cmd/kube-controller-manager'],
  'kube-scheduler': ['.', 'k8s.io/kubernetes/cmd/kube-scheduler'],
  kubectl: ['.', 'k8s.io/kubernetes/cmd/kubectl'],
  kubelet: ['.', 'k8s.io/kubernetes/cmd/kubelet'],
  'kube-proxy': ['.', 'k8s.io/kubernetes/cmd/kube-proxy'],
  coredns: ['addons', './coredns'],
  pause: ['addons', './pause'],
  helm: ['addons', 'helm.sh/helm/v3/cmd/helm'],
  kwok: ['kwok', 'sigs.k8s.io/kwok/cmd/kwok'],
  tilt: ['tilt', 'github.com/tilt-dev/tilt/cmd/tilt'],
};
/** What reads the language of its files is C. */
const withC: readonly KubernetesProgram[] = ['tilt'];

/** Some watchers of a build end it when it says nothing for long. */
const PROGRESS_MS = 60_000;

const linkerFlags = `-s -w ${versionFlags().join(' ')}`;
const directories: Readonly<Record<string, string>> = {
  '.': cacheDirectory('kubernetes', recipe('.')),
  addons: cacheDirectory('kubernetes-addons', recipe('addons')),
  kwok: cacheDirectory('kubernetes-kwok', recipe('kwok')),
  tilt: cacheDirectory('kubernetes-tilt', recipe('tilt')),
};
const pathOf = (name: KubernetesProgram) => join(directories[packages[name][0]] as string, name);
const missing = (names: readonly KubernetesProgram[]) => names.filter((name) => !existsSync(pathOf(name)));

function recipe(module: string): string {
  const folder = join(import.meta.dirname, module);
  const files = globSync(['go.mod', 'go.sum', '*/*.go'], { cwd: folder }).sort();
  return [...files.map((file) => readFileSync(join(folder, file), 'utf8')), linkerFlags].join('\n');
}

/** Without them the programs say that they are of no version, which clients compare. */
function versionFlags(): readonly string[] {
  const text = readFileSync(join(import.meta.dirname, 'go.mod'), 'utf8');
  const [, version, major, minor] = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\d+)/.exec(text) ?? [];
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((place) =>
    Object.entries(values).map(([name, value]) => `-X ${place}.${name}=${value}`),
  );
}

function goProgram(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin'];
  return folders.map((each) => join(each, 'go')).find((file) => existsSync(file));
}

/** Why these are not here, in one line for a skipped test; undefined when they can be built, or were. */
export function whyNoKubernetes(names: readonly KubernetesProgram[] = controlPlanePrograms): string | undefined {
  if (missing(names).length === 0 || goProgram() !== undefined) return undefined;
  return 'the programs of Kubernetes need Go on PATH';
}

/** Resolves with where a program is; the first call on a machine takes minutes, because it builds those that are named. */
export async function kubernetesPrograms(
  names: readonly KubernetesProgram[] = controlPlanePrograms,
): Promise<(name: KubernetesProgram) => string> {
  if (missing(names).length > 0) await withMachineLock('kubernetes-programs', () => buildMissing(names));
  return pathOf;
}

async function buildMissing(names: readonly KubernetesProgram[]): Promise<void> {
  const go = goProgram();
  if (go === undefined) throw new Error(whyNoKubernetes(names));
  const left = missing(names);
  for (const [index, name] of left.entries()) await build(go, name, `${index + 1} of ${left.length}`);
}

async function build(go: string, name: KubernetesProgram, place: string): Promise<void> {
  console.log(`building ${name}, ${place}, once for this machine: up to 15 minutes for all`);
  const begin = performance.now();
  let compiled = 0;
  const tell = (what: string) =>
    console.log(`${what} ${name}: ${compiled} packages, ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
  const progress = setInterval(() => tell('building'), PROGRESS_MS);
  const flags = ['-v', '-p', '2', '-trimpath', '-mod=readonly', '-buildvcs=false', '-ldflags', linkerFlags];
  const [module, packageName] = packages[name];
  try {
    await run('nice', ['-n', '10', go, 'build', ...flags, '-o', `${pathOf(name)}.new`, packageName], {
      cwd: join(import.meta.dirname, module),
      env: { CGO_ENABLED: withC.includes(name) ? '1' : '0' },
      onOutput: (text) => {
        compiled += text.split('\n').filter((line) => /^[\w.]+\//.test(line)).length;
      },
    });
  } finally {
    clearInterval(progress);
  }
  renameSync(`${pathOf(name)}.new`, pathOf(name));
  tell('built');
}
