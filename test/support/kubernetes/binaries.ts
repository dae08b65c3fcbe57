// A Kubernetes control plane's own programs, compiled from the modules that go.mod pins: once into the cache, outside of the clone. No
// image, registry or container runtime takes part.
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheDirectory } from '../cache.ts';
import { withMachineLock } from '../machine-lock.ts';
import { run } from '../run.ts';

const packages = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
} as const;
export type KubernetesProgram = keyof typeof packages;
const programs = Object.keys(packages) as readonly KubernetesProgram[];

/** Some watchers of a build end it when it says nothing for long. */
const PROGRESS_MS = 60_000;

const modules = ['go.mod', 'go.sum'].map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'));
const linkerFlags = `-s -w ${versionFlags().join(' ')}`;
const directory = cacheDirectory('kubernetes', [...modules, linkerFlags].join('\n'));
const pathOf = (name: KubernetesProgram) => join(directory, name);
const missing = () => programs.filter((name) => !existsSync(pathOf(name)));

/** Without them the programs say that they are of no version, which clients compare. */
function versionFlags(): readonly string[] {
  const [, version, major, minor] = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\d+)/.exec(modules[0] ?? '') ?? [];
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((place) =>
    Object.entries(values).map(([name, value]) => `-X ${place}.${name}=${value}`),
  );
}

function goProgram(): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin'];
  return directories.map((each) => join(each, 'go')).find((file) => existsSync(file));
}

/** Why there is no Kubernetes here, in one line for a skipped test; undefined when it can be built, or was. */
export function whyNoKubernetes(): string | undefined {
  if (missing().length === 0 || goProgram() !== undefined) return undefined;
  return 'the Kubernetes control plane needs Go on PATH';
}

/** Resolves with where a program is; the first call on a machine takes minutes, because it builds them all. */
export async function kubernetesPrograms(): Promise<(name: KubernetesProgram) => string> {
  if (missing().length > 0) await withMachineLock(directory, buildMissing);
  return pathOf;
}

async function buildMissing(): Promise<void> {
  const go = goProgram();
  if (go === undefined) throw new Error(whyNoKubernetes());
  const left = missing();
  for (const [index, name] of left.entries()) await build(go, name, `${index + 1} of ${left.length}`);
}

async function build(go: string, name: KubernetesProgram, place: string): Promise<void> {
  console.log(`building ${name}, ${place}, once for this machine: up to 10 minutes for all`);
  const begin = performance.now();
  let compiled = 0;
  const tell = (what: string) =>
    console.log(`${what} ${name}: ${compiled} packages, ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
  const progress = setInterval(() => tell('building'), PROGRESS_MS);
  const flags = ['-v', '-p', '2', '-trimpath', '-mod=readonly', '-buildvcs=false', '-ldflags', linkerFlags];
  try {
    await run('nice', ['-n', '10', go, 'build', ...flags, '-o', `${pathOf(name)}.new`, packages[name]], {
      cwd: import.meta.dirname,
      env: { CGO_ENABLED: '0' },
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
