// A real Kubernetes API server with etcd, controller manager and scheduler: what an operator talks to. One port, of loopback where it has
// no node; everything else is in a folder of its own.
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { ApiClient } from './api-client.ts';
import { type KubernetesProgram, kubernetesPrograms } from './binaries.ts';
import { killGuarded, spawnGuarded } from './guarded-process.ts';
import { Kubectl } from './kubectl.ts';
import { NODE_NAME } from './node-settings.ts';

const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 50;
const LOG_TAIL_LINES = 20;
const LOOPBACK = '127.0.0.1';

/** Who may do what is decided by RBAC; the names and groups are those that its own rules bind. */
const users = {
  admin: { name: 'admin', groups: 'system:masters' },
  controllerManager: { name: 'system:kube-controller-manager', groups: '' },
  scheduler: { name: 'system:kube-scheduler', groups: '' },
  kubelet: { name: `system:node:${NODE_NAME}`, groups: 'system:nodes' },
  kubeProxy: { name: 'system:kube-proxy', groups: '' },
} as const;
type User = keyof typeof users;
const userNames = Object.keys(users) as readonly User[];

export class ControlPlane {
  readonly directory: string;
  /** `https://ADDRESS:PORT` */
  readonly url: string;
  readonly #address: string;
  readonly #port: number;
  readonly #pathOf: (name: KubernetesProgram) => string;
  readonly #tokens: Readonly<Record<User, string>>;
  readonly #children = new Map<KubernetesProgram, ChildProcess>();

  private constructor(address: string, port: number, pathOf: (name: KubernetesProgram) => string) {
    this.directory = mkdtempSync(join(tmpdir(), 'sluice-kubernetes-'));
    this.url = `https://${address}:${port}`;
    this.#address = address;
    this.#port = port;
    this.#pathOf = pathOf;
    const tokens = userNames.map((user) => [user, randomBytes(16).toString('hex')]);
    this.#tokens = Object.fromEntries(tokens) as Record<User, string>;
  }

  /**
   * Takes some five seconds, and minutes on a machine where the programs are not built yet.
   * @param address that nodes and pods can reach; none can reach that of loopback
   */
  static async start(address: string = LOOPBACK): Promise<ControlPlane> {
    const plane = new ControlPlane(address, await freePort(), await kubernetesPrograms());
    try {
      await plane.#launch();
    } catch (error) {
      await plane.stop();
      throw error;
    }
    return plane;
  }

  /** Of the cluster's administrator. */
  get kubeconfig(): string {
    return this.kubeconfigOf('admin');
  }

  kubeconfigOf(user: User): string {
    return this.#file(`${user}.conf`);
  }

  /** A line of JSON for each request that was answered: `audit.k8s.io/v1` events of level Metadata. */
  get auditLog(): string {
    return this.#file('audit.log');
  }

  /** Of the programs, each a process of its own. */
  get pids(): readonly number[] {
    return [...this.#children.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** The API as the administrator sees it, or whoever a token is of. */
  client(token = this.#tokens.admin): ApiClient {
    return new ApiClient(this.url, this.#certificateAuthority(), token);
  }

  /** `kubectl` as the administrator; resolves with what it prints. */
  kubectl(...args: readonly string[]): Promise<string> {
    return new Kubectl(this.kubeconfig).run(...args);
  }

  /** To one of the programs, which stands still or goes on. */
  signal(name: KubernetesProgram, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#children.get(name)?.kill(signal);
  }

  /** Kills the processes and removes their folder. */
  async stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map(killGuarded));
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #launch(): Promise<void> {
    this.#writeFiles();
    const socket = `unix://${this.#file('etcd.sock')}`;
    this.#spawn('etcd', [
      `--data-dir=${this.#file('etcd')}`,
      `--listen-client-urls=${socket}`,
      // What it would tell other members; a socket has no port, which it insists on.
      '--advertise-client-urls=http://127.0.0.1:2379',
      `--listen-peer-urls=unix://${this.#file('peer.sock')}`,
      // What is lost with the machine is of no use to a test, and a slow disk would decide how long it takes.
      '--unsafe-no-fsync',
      // Thousands of pods that come at once are more than its default.
      '--quota-backend-bytes=8589934592',
      '--log-level=warn',
    ]);
    this.#spawn('kube-apiserver', [
      `--etcd-servers=${socket}`,
      `--bind-address=${this.#address}`,
      `--advertise-address=${this.#address}`,
      // An address of loopback is not allowed as an endpoint of the Service `kubernetes`.
      `--endpoint-reconciler-type=${this.#address === LOOPBACK ? 'none' : 'lease'}`,
      `--secure-port=${this.#port}`,
      `--cert-dir=${this.directory}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      `--token-auth-file=${this.#file('tokens.csv')}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${this.#file('service-account.pub')}`,
      `--service-account-signing-key-file=${this.#file('service-account.key')}`,
      // Names of nodes are known to nobody here.
      '--kubelet-preferred-address-types=InternalIP',
      `--audit-policy-file=${this.#file('audit-policy.json')}`,
      `--audit-log-path=${this.auditLog}`,
    ]);
    await this.#until('the API server is ready', async () => {
      if (!existsSync(this.#file('apiserver.crt'))) return false;
      return (await this.client().get('/readyz')).status === 200;
    });
    // Not before: they end where the rules of RBAC that they need are not there yet.
    this.#writeKubeconfigs();
    // With the default limits the start waits for them twice as long as for everything else.
    const limits = ['--kube-api-qps=500', '--kube-api-burst=1000'];
    this.#spawn('kube-controller-manager', [
      ...[...this.#asUser('controllerManager'), ...limits],
      '--use-service-account-credentials',
      `--service-account-private-key-file=${this.#file('service-account.key')}`,
      `--root-ca-file=${this.#file('apiserver.crt')}`,
    ]);
    this.#spawn('kube-scheduler', [...this.#asUser('scheduler'), ...limits]);
    // It is the controller manager's, and no pod is admitted before it is there.
    const account = '/api/v1/namespaces/default/serviceaccounts/default';
    await this.#until('the default service account is there', async () => {
      return (await this.client().get(account)).status === 200;
    });
  }

  #asUser(user: User): readonly string[] {
    const file = this.kubeconfigOf(user);
    const access = [
      `--kubeconfig=${file}`,
      `--authentication-kubeconfig=${file}`,
      `--authorization-kubeconfig=${file}`,
    ];
    return [...access, '--leader-elect=false', '--secure-port=0'];
  }

  #writeFiles(): void {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    this.#write('service-account.key', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
    this.#write('service-account.pub', publicKey.export({ type: 'spki', format: 'pem' }) as string);
    const tokens = Object.entries(users).map(
      ([user, { name, groups }]) => `${this.#tokens[user as User]},${name},${name},"${groups}"\n`,
    );
    this.#write('tokens.csv', tokens.join(''));
    const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'] };
    this.#write('audit-policy.json', JSON.stringify({ ...policy, rules: [{ level: 'Metadata' }] }));
  }

  #writeKubeconfigs(): void {
    const authority = Buffer.from(this.#certificateAuthority()).toString('base64');
    for (const user of userNames) {
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'test',
        contexts: [{ name: 'test', context: { cluster: 'test', user } }],
        clusters: [{ name: 'test', cluster: { server: this.url, 'certificate-authority-data': authority } }],
        users: [{ name: user, user: { token: this.#tokens[user] } }],
      };
      this.#write(`${user}.conf`, JSON.stringify(config));
    }
  }

  /** The API server makes its certificate and the authority's by itself, in one file. */
  #certificateAuthority(): string {
    return readFileSync(this.#file('apiserver.crt'), 'utf8');
  }

  #spawn(name: KubernetesProgram, flags: readonly string[]): void {
    this.#children.set(name, spawnGuarded(this.#pathOf(name), flags, this.#file(`${name}.log`)));
  }

  async #until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!(await condition().catch(() => false))) {
      for (const [name, child] of this.#children) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${name} has ended: ${this.#log(name)}`);
      }
      if (performance.now() > deadline) throw new Error(`not after ${READY_TIMEOUT_MS} ms: ${what}`);
      await sleep(POLL_MS);
    }
  }

  #log(name: KubernetesProgram): string {
    return readFileSync(this.#file(`${name}.log`), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-LOG_TAIL_LINES)
      .join('\n');
  }

  #write(name: string, text: string): void {
    writeFileSync(this.#file(name), text, { mode: 0o600 });
  }

  #file(name: string): string {
    return join(this.directory, name);
  }
}
