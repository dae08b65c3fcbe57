// A pool on a real node, made by the operator of an installed chart, with miners of the test's on it. Each has a relay of its own, by which its
// connections are counted.
import type { Bus } from '@sluice/bus/bus';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { inboxOf } from '@sluice/bus/user-permissions';
import type { MiningPool } from '../../../operator/src/api/v1alpha1.ts';
import { compare, readShares, type StoredShares } from '../share-audit.ts';
import { ShareLoad, totals } from '../share-load.ts';
import { TcpRelay } from '../tcp-relay.ts';
import { waitFor } from '../wait-for.ts';
import { CHART, helm } from './helm.ts';
import { SLUICE_IMAGE } from './images.ts';
import { Kubectl } from './kubectl.ts';

/** Of the MiningPool. */
const NAME = 'demo';
const MINERS = 6;
/** A share takes some 43 tries. */
const TRIES_PER_SECOND = 12;
/** Acknowledged before and after each change, so that there are shares on both sides of it. */
export const SHARES = 3;
const SHARES_TIMEOUT_MS = 90_000;
const ANSWERED_TIMEOUT_MS = 30_000;
const GATEWAY_PORT = 3336;
const [repository = '', tag = ''] = SLUICE_IMAGE.split(':');
const definitions = ['miningpools', 'proxyfleets'].map((name) => `${name}.mining.sluice.dev`);
/** Of Helm. */
const waiting = ['--wait', '--timeout=120s'];

/** What an operator is installed from. */
interface Release {
  readonly chart: string;
  /** Tag of its image, and of every pool's that names none. */
  readonly image: string;
}

export interface PoolPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly [{ readonly image: string }] };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly containerID?: string; readonly restartCount: number }[];
  };
}

/** Each by its uid, with how often it was started again. */
export const livesOf = (pods: readonly PoolPod[]): readonly string[] =>
  pods
    .map(({ metadata, status }) => `${metadata.name} ${metadata.uid} ${status.containerStatuses?.[0]?.restartCount}`)
    .sort();

/** Ready, and not about to go. */
export const isReady = ({ metadata, status }: PoolPod): boolean =>
  metadata.deletionTimestamp === undefined &&
  status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;

export class LoadedPool {
  readonly kubectl: Kubectl;
  /** `--namespace` of the pool. */
  readonly inNamespace: string;
  readonly operatorNamespace: string;
  readonly authorityKey: string;
  /** Ports of loopback that lead to the gateways, one for each miner. */
  readonly ports: readonly number[];
  readonly load: ShareLoad;
  readonly #kubeconfig: string;
  readonly #namespace: string;
  readonly #relays: readonly TcpRelay[];

  private constructor(kubeconfig: string, namespace: string, authorityKey: string, relays: readonly TcpRelay[]) {
    this.kubectl = new Kubectl(kubeconfig);
    this.inNamespace = `--namespace=${namespace}`;
    this.operatorNamespace = `${namespace}-system`;
    this.authorityKey = authorityKey;
    this.ports = relays.map(({ port }) => port);
    this.load = new ShareLoad({
      ...{ ports: this.ports, authorityKey, connections: MINERS },
      ...{ sharesPerSecond: TRIES_PER_SECOND, wanted: 'share' },
    });
    this.#kubeconfig = kubeconfig;
    this.#namespace = namespace;
    this.#relays = relays;
  }

  /** Resolves when shares are being sent. @param namespace in which there is nothing; the operator's is beside it */
  static async start(
    kubeconfig: string,
    namespace: string,
    { apiVersion, kind, spec }: Pick<MiningPool, 'apiVersion' | 'kind' | 'spec'>,
    release: Release = { chart: CHART, image: tag },
  ): Promise<LoadedPool> {
    const kubectl = new Kubectl(kubeconfig);
    const inNamespace = `--namespace=${namespace}`;
    await kubectl.run('delete', 'customresourcedefinitions', '--ignore-not-found', ...definitions);
    for (const name of [namespace, `${namespace}-system`])
      await kubectl.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    const image = [`--set=image.repository=${repository}`, `--set=image.tag=${release.image}`];
    const flags = [`--namespace=${namespace}-system`, ...waiting, ...image, '--set=image.pullPolicy=Never'];
    await helm(kubeconfig, 'install', 'sluice', release.chart, ...flags);
    await kubectl.apply({ apiVersion, kind, metadata: { name: NAME, namespace }, spec });
    await kubectl.run('wait', inNamespace, `miningpool/${NAME}`, '--for=condition=Ready', '--timeout=240s');
    const { status } = await kubectl.get(inNamespace, 'miningpool', NAME);
    const gateway = await addressOf(kubectl, inNamespace, `${NAME}-gw-sv2`);
    const relays = await Promise.all(Array.from({ length: MINERS }, () => TcpRelay.start(GATEWAY_PORT, gateway)));
    const pool = new LoadedPool(kubeconfig, namespace, status.authorityPublicKey, relays);
    await pool.load.start();
    return pool;
  }

  /** Takes the pool, the release and what belongs to them away. */
  async stop(): Promise<void> {
    const { kubectl } = this;
    await this.load.close();
    for (const relay of this.#relays) await relay.stop();
    await kubectl.run('delete', this.inNamespace, 'miningpools', '--all', '--timeout=120s');
    await helm(this.#kubeconfig, 'uninstall', 'sluice', `--namespace=${this.operatorNamespace}`, '--wait');
    await kubectl.run('delete', 'customresourcedefinitions', ...definitions);
    await kubectl.run('delete', 'namespace', this.#namespace, this.operatorNamespace, '--wait=false');
  }

  /** As docs/operations/upgrade.md has it. @param image tag of the operator's, and of every pool's that names none */
  async upgradeChart(image: string): Promise<void> {
    const flags = [`--namespace=${this.operatorNamespace}`, ...waiting, '--reset-then-reuse-values'];
    await helm(this.#kubeconfig, 'upgrade', 'sluice', CHART, ...flags, `--set=image.tag=${image}`);
  }

  async pods(selector = ''): Promise<readonly PoolPod[]> {
    const labels = `--selector=app.kubernetes.io/instance=${NAME}${selector === '' ? '' : `,${selector}`}`;
    return (await this.kubectl.get(this.inNamespace, 'pods', labels)).items;
  }

  /** Pods of ours, not those of NATS and bitcoind. */
  async ours(): Promise<readonly PoolPod[]> {
    return (await this.pods()).filter(({ spec }) => spec.containers[0].image.startsWith(`${repository}:`));
  }

  /** @param spec a merge patch of the MiningPool's */
  async patch(spec: object): Promise<void> {
    const patch = ['--type=merge', '--patch', JSON.stringify({ spec })];
    await this.kubectl.run('patch', this.inNamespace, 'miningpool', NAME, ...patch);
  }

  /** The MiningPool. */
  resource() {
    return this.kubectl.get(this.inNamespace, 'miningpool', NAME);
  }

  /** Connections that ended, of each miner. */
  losses(): readonly number[] {
    return this.ports.map((port) => this.load.losses.filter((loss) => loss.port === port).length);
  }

  /** Resolves when some more shares are acknowledged. */
  async someMore(): Promise<void> {
    const { accepted } = totals(this.load.records);
    await waitFor(() => totals(this.load.records).accepted >= accepted + SHARES, SHARES_TIMEOUT_MS);
  }

  /** As the user who may read the shares and their credit. */
  async bus(): Promise<Bus> {
    const { data } = await this.kubectl.get(this.inNamespace, 'secret', `${NAME}-nats-share-validator`);
    const [user = '', pass = ''] = [data.username, data.password].map((text) => Buffer.from(text, 'base64').toString());
    const address = await addressOf(this.kubectl, this.inNamespace, `${NAME}-nats`);
    return connectNatsBus({
      ...{ name: 'test', servers: [`nats://${address}:4222`], mayMake: () => false },
      ...{ inboxPrefix: inboxOf(user), user, pass },
    });
  }

  /** Sends no more and holds the miners' books against the stream; prints both. What is in the result must be nothing. */
  async audit(bus: Bus): Promise<{ readonly stored: StoredShares; readonly wrong: object; readonly accepted: number }> {
    const { load } = this;
    await load.finish(ANSWERED_TIMEOUT_MS);
    const stored = await readShares(bus);
    const { storedUnanswered, ...comparison } = compare(load.records, stored);
    const { sent, accepted, refused, unanswered, faults } = totals(load.records);
    const anew = load.losses.length;
    console.log(
      `${sent} shares sent, ${accepted} acknowledged, ${stored.total.shares} stored; ${anew} connections made anew`,
    );
    console.log(
      `${unanswered} unanswered, ${storedUnanswered} of them stored; refused: ${JSON.stringify([...refused])}`,
    );
    return { stored, accepted, wrong: { ...comparison, faults } };
  }

  /** Of the pods of the pool and of the operator, for a test that fails. */
  async logs(): Promise<string> {
    const texts = [this.inNamespace, `--namespace=${this.operatorNamespace}`].map(async (of) => {
      const { items } = await this.kubectl.get(of, 'pods');
      const each = items.map(async ({ metadata: { name } }: PoolPod) => {
        const log = await this.kubectl.run('logs', of, name, '--tail=15').catch(String);
        return `--- ${name}\n${log}`;
      });
      return [await this.kubectl.run('get', of, 'pods', '--output=wide'), ...(await Promise.all(each))];
    });
    return (await Promise.all(texts)).flat().join('\n');
  }
}

/** What `LoadedPool.audit` finds wrong in a pool that is well. */
export const nothing = { missing: [], doubled: [], refusedButStored: [], faults: [] };

const addressOf = async (kubectl: Kubectl, inNamespace: string, service: string): Promise<string> =>
  (await kubectl.get(inNamespace, 'service', service)).spec.clusterIP;
