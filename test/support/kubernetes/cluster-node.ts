// A real node: control plane, containerd, kubelet, kube-proxy and CoreDNS. Whoever starts it is inside of a node's namespaces already, so that
// pods and Services are reached as from any machine of a cluster's network.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../run.ts';
import { waitFor } from '../wait-for.ts';
import { kubernetesPrograms, nodePrograms } from './binaries.ts';
import { ControlPlane } from './control-plane.ts';
import { Kubectl } from './kubectl.ts';
import {
  CONTAINERD_SOCKET,
  containerdSettings,
  dnsObjects,
  kubeletSettings,
  NODE_ADDRESS,
  NODE_NAME,
  podNetwork,
  proxySettings,
} from './node-settings.ts';

const READY_TIMEOUT_MS = 180_000;
const LOG_TAIL_LINES = 20;

export class ClusterNode {
  readonly plane: ControlPlane;
  readonly #directory: string;
  readonly #children: Map<string, ChildProcess>;

  private constructor(plane: ControlPlane, directory: string, children: Map<string, ChildProcess>) {
    this.plane = plane;
    this.#directory = directory;
    this.#children = children;
  }

  /**
   * Resolves when pods can be started from `images`, which are archives of them, and names of Services are known.
   * @param directory of the namespaces that this process is in
   */
  static async start(directory: string, images: readonly string[]): Promise<ClusterNode> {
    const pathOf = await kubernetesPrograms(nodePrograms);
    const children = new Map<string, ChildProcess>();
    const launch = (name: string, program: string, args: readonly string[]) => {
      const log = openSync(join(directory, `${name}.log`), 'a');
      children.set(name, spawn(program, args, { stdio: ['ignore', log, log] }));
      closeSync(log);
    };
    const write = (name: string, settings: object | string): string => {
      const file = join(directory, name);
      writeFileSync(file, typeof settings === 'string' ? settings : JSON.stringify(settings));
      return file;
    };
    for (const folder of ['cni', 'kubelet']) mkdirSync(join(directory, folder));
    write('cni/10-pods.conflist', podNetwork(directory));
    launch('containerd', 'containerd', ['--config', write('containerd.toml', containerdSettings(directory))]);
    const [plane] = await Promise.all([ControlPlane.start(NODE_ADDRESS), importImages(images)]);
    const node = new ClusterNode(plane, directory, children);
    try {
      const resolver = write('resolv.conf', 'nameserver 127.0.0.1\n');
      launch('kubelet', pathOf('kubelet'), [
        `--config=${write('kubelet.json', kubeletSettings(directory, resolver))}`,
        `--kubeconfig=${plane.kubeconfigOf('kubelet')}`,
        `--hostname-override=${NODE_NAME}`,
        `--node-ip=${NODE_ADDRESS}`,
        `--root-dir=${join(directory, 'kubelet')}`,
        `--cert-dir=${join(directory, 'pki')}`,
      ]);
      const proxy = write('kube-proxy.json', proxySettings(plane.kubeconfigOf('kubeProxy')));
      launch('kube-proxy', pathOf('kube-proxy'), [`--config=${proxy}`]);
      await new Kubectl(plane.kubeconfig).apply(...dnsObjects());
      await node.#serves();
    } catch (error) {
      throw new Error(`the node did not become ready\n${node.logs()}`, { cause: error });
    }
    return node;
  }

  /** The last lines of each program's log. */
  logs(): string {
    const tail = (name: string) =>
      readFileSync(join(this.#directory, `${name}.log`), 'utf8')
        .trimEnd()
        .split('\n')
        .slice(-LOG_TAIL_LINES)
        .join('\n');
    return [...this.#children.keys()].map((name) => `${name}:\n${tail(name)}`).join('\n');
  }

  /** Ends the programs; pods and what is left of them end with the namespaces. */
  async stop(): Promise<void> {
    for (const child of this.#children.values()) child.kill('SIGKILL');
    await this.plane.stop();
  }

  /** Resolves when the node takes pods and its name service answers. */
  async #serves(): Promise<void> {
    const client = this.plane.client();
    await waitFor(async () => {
      const { body } = await client.get('/apis/apps/v1/namespaces/kube-system/deployments/coredns');
      return body.status?.readyReplicas === 1;
    }, READY_TIMEOUT_MS);
  }
}

async function importImages(images: readonly string[]): Promise<void> {
  const ctr = (...args: readonly string[]) =>
    run('ctr', ['--address', CONTAINERD_SOCKET, '--namespace', 'k8s.io', ...args]);
  await waitFor(
    () =>
      ctr('version').then(
        () => true,
        () => false,
      ),
    READY_TIMEOUT_MS,
  );
  for (const image of images) await ctr('images', 'import', image);
}
