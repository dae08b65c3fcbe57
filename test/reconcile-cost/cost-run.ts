// What an operator costs that has nothing to do: so many pools with all their objects on a real control plane, their pods kwok's, and the operator as
// a process with its own account. It is looked at twice: while pods have no address, so that it asks none, and while it asks all of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { examplePool } from '../../operator/test/defaulted.ts';
import { sampleOf } from '../load/measure/server-processes.ts';
import { type ApiClient, taken } from '../support/kubernetes/api-client.ts';
import { requestsOf } from '../support/kubernetes/audit-log.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { Kwok } from '../support/kubernetes/kwok.ts';
import { createOperatorAccount, type OperatorAccount } from '../support/kubernetes/operator-account.ts';
import { operatorProcess } from '../support/kubernetes/operator-process.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { StubPods } from './stub-pods.ts';

export const GATEWAYS_PER_POOL = 4;
const example = examplePool('regtest');
const NODES = 10;
/** Kubernetes' own controllers compare each pod with all budgets and Services of its namespace. */
const POOLS_PER_NAMESPACE = 10;
const pools = '/apis/mining.sluice.dev/v1alpha1/miningpools';
/** What runs in those that the operator asks. */
const ASKED: ReadonlySet<string> = new Set(['connection-gateway', 'share-validator', 'template-provider']);
/** What V8 makes of the memory limit of the chart, 512 MiB: the old generation is half of it. */
const AS_IN_ITS_POD = ['--max-old-space-size=256'];
const AT_ONCE = 8;
const LOOK_MS = 2_000;
/** Between two lines that say how far it is. */
const TOLD_MS = 15_000;
/** Longer than a status may be put off. */
const QUIET_MS = 20_000;
const SETTLE_TIMEOUT_MS = 45 * 60_000;
/** Each pool is reconciled every three minutes then, and all of them once in ten besides, which is waited for to be over. */
const REST_LOOK_MS = 60_000;
const RESTING_PART = 0.4;
const REST_TIMEOUT_MS = 15 * 60_000;

interface CostOptions {
  readonly pools: number;
  /** Of each look. */
  readonly minutes: number;
  /** Whether a look waits until pools are at rest, which takes minutes: before that it does not say what they cost. */
  readonly atRest: boolean;
  log(line: string): void;
}

/** What the operator did and used in a time in which nothing happened. */
export interface CostLook {
  /** Between the last write into a pool and this look, until all were reconciled as seldom as at rest. */
  readonly restedSeconds: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly maxRssBytes: number;
  /** Pools that were reconciled, each time. */
  readonly reconciles: number;
  /** Questions to pods that were answered, and those to gateways among them. */
  readonly answers: number;
  readonly gatewayAnswers: number;
  /** Orders to pods. */
  readonly orders: number;
  /** To the API server, by verb and resource. */
  readonly requests: ReadonlyMap<string, number>;
}

export interface CostReport {
  readonly pools: number;
  readonly pods: number;
  /** Of all that the operator watches. */
  readonly objects: number;
  /** No pod was asked. */
  readonly unasked: CostLook;
  readonly asked: CostLook;
}

export async function measureReconcileCost(options: CostOptions): Promise<CostReport> {
  const run = await CostRun.start(options);
  try {
    return await run.measure();
  } catch (error) {
    options.log(run.operatorLog());
    throw error;
  } finally {
    await run.stop();
  }
}

class CostRun {
  readonly #options: CostOptions;
  readonly #plane: ControlPlane;
  readonly #kwok: Kwok;
  readonly #stub: StubPods;
  readonly #account: OperatorAccount;
  readonly #operator: ServiceProcess;
  readonly #directory: string;
  readonly #client: ApiClient;

  private constructor(
    options: CostOptions,
    parts: {
      readonly plane: ControlPlane;
      readonly kwok: Kwok;
      readonly stub: StubPods;
      readonly account: OperatorAccount;
      readonly operator: ServiceProcess;
      readonly directory: string;
    },
  ) {
    this.#options = options;
    this.#plane = parts.plane;
    this.#kwok = parts.kwok;
    this.#stub = parts.stub;
    this.#account = parts.account;
    this.#operator = parts.operator;
    this.#directory = parts.directory;
    this.#client = parts.plane.client();
  }

  static async start(options: CostOptions): Promise<CostRun> {
    const plane = await ControlPlane.start();
    const kwok = await Kwok.start(plane, NODES, { withAddresses: false });
    await applyCustomResourceDefinitions(plane);
    const account = await createOperatorAccount(plane);
    const stub = await StubPods.start();
    const directory = mkdtempSync(join(tmpdir(), 'sluice-cost-'));
    const flags = ['--image', 'registry.example/sluice:1', '--pod-url', stub.podUrl];
    const operator = await operatorProcess({ ...account, nodeFlags: AS_IN_ITS_POD }, directory, ...flags);
    operator.launch();
    await operator.ready();
    return new CostRun(options, { plane, kwok, stub, account, operator, directory });
  }

  operatorLog(): string {
    return this.#operator.log();
  }

  async stop(): Promise<void> {
    await this.#operator.kill();
    await this.#stub.stop();
    await this.#kwok.stop();
    await this.#plane.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async measure(): Promise<CostReport> {
    const { pools: count, log } = this.#options;
    for (const name of this.#namespaces) taken(await this.#client.post('/api/v1/namespaces', { metadata: { name } }));
    log(`${count} pools are made`);
    await inTurn(
      Array.from({ length: count }, (_, number) => number),
      (number) => this.#apply(number),
    );
    await this.#settled(
      'are ready',
      (pool) => isTrue(pool, 'Ready') && pool.status?.gateways?.ready === GATEWAYS_PER_POOL,
    );
    log('no pod is asked');
    const unasked = await this.#look();

    log('pods are given an address');
    const podCounts: number[] = [];
    await inTurn(this.#namespaces, async (namespace) => {
      const all = (await this.#list(podsOf(namespace))) as readonly PodObject[];
      podCounts.push(all.length);
      for (const pod of all.filter(isAsked)) await this.#giveAddress(pod);
    });
    await this.#settled(
      'know their load and their chain',
      (pool) =>
        isTrue(pool, 'ScalingActive') &&
        (pool.status?.gateways?.connections ?? 0) > 0 &&
        pool.status?.chain !== undefined,
    );
    log('all pods are asked');
    const asked = await this.#look();
    const objects = (await this.#operator.metric('sluice_operator_cached_objects')) ?? 0;
    return { pools: count, pods: podCounts.reduce((sum, each) => sum + each), objects, unasked, asked };
  }

  get #namespaces(): readonly string[] {
    return Array.from({ length: Math.ceil(this.#options.pools / POOLS_PER_NAMESPACE) }, (_, index) =>
      namespaceOf(index),
    );
  }

  async #apply(number: number): Promise<void> {
    const { apiVersion, kind, spec } = example;
    const { gateways } = spec;
    const autoscaling = { ...gateways.autoscaling, minReplicas: GATEWAYS_PER_POOL };
    const metadata = { name: `pool-${number}`, namespace: namespaceOf(Math.floor(number / POOLS_PER_NAMESPACE)) };
    const body = { apiVersion, kind, metadata, spec: { ...spec, gateways: { ...gateways, autoscaling } } };
    taken(await this.#client.apply(pathOf({ kind, metadata }), body));
  }

  /** As a kubelet would. */
  async #giveAddress({ metadata, ...pod }: PodObject): Promise<void> {
    const path = `${podsOf(metadata.namespace)}/${metadata.name}/status`;
    const ip = await this.#stub.add();
    const status = { ...pod.status, podIP: ip, podIPs: [{ ip }] };
    taken(await this.#client.put(path, { metadata, ...pod, status }));
  }

  /** Resolves when it holds for all pools and nothing was written into one for a while. */
  async #settled(what: string, holds: (pool: Pool) => boolean): Promise<void> {
    let [seen, since, told, toldAt] = ['', performance.now(), -1, 0];
    const isSettled = async () => {
      await sleep(LOOK_MS);
      const found = (await this.#list(pools)) as readonly Pool[];
      const versions = found.map(({ metadata }) => metadata.resourceVersion).join();
      if (versions !== seen) [seen, since] = [versions, performance.now()];
      const ready = found.filter(holds).length;
      if (ready !== told && (ready === found.length || performance.now() - toldAt >= TOLD_MS)) {
        this.#options.log(`${ready} of ${found.length} pools ${what}`);
        [told, toldAt] = [ready, performance.now()];
      }
      return ready === found.length && performance.now() - since >= QUIET_MS;
    };
    await waitFor(isSettled, SETTLE_TIMEOUT_MS);
  }

  /** Resolves when pools are reconciled for their keys alone, with the seconds that it took. */
  async #rested(): Promise<number> {
    const { pools: count, log } = this.#options;
    const begin = performance.now();
    const isResting = async () => {
      const before = await this.#reconciles();
      await sleep(REST_LOOK_MS);
      const inMinute = (await this.#reconciles()) - before;
      log(`${inMinute} reconciliations in a minute`);
      return inMinute <= count * RESTING_PART;
    };
    await waitFor(isResting, REST_TIMEOUT_MS);
    return (performance.now() - begin) / 1_000;
  }

  async #look(): Promise<CostLook> {
    const { minutes, atRest, log } = this.#options;
    const restedSeconds = atRest ? await this.#rested() : 0;
    const [sinceMs, begin, before] = [Date.now(), performance.now(), await this.#moment()];
    let { maxRssBytes } = before;
    for (let left = minutes * 60_000; left > 0; left = minutes * 60_000 - (performance.now() - begin)) {
      await sleep(Math.min(left, LOOK_MS));
      maxRssBytes = Math.max(maxRssBytes, this.#usage().maxRssBytes);
    }
    const seconds = (performance.now() - begin) / 1_000;
    const after = await this.#moment();
    const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
    log(`${((100 * cpuSeconds) / seconds).toFixed(1)} % of a core`);
    return {
      ...{ restedSeconds, seconds, cpuSeconds, maxRssBytes },
      reconciles: after.reconciles - before.reconciles,
      answers: after.answers - before.answers,
      gatewayAnswers: after.gatewayAnswers - before.gatewayAnswers,
      orders: after.orders - before.orders,
      requests: await requestsOf(this.#account.user, this.#plane, sinceMs),
    };
  }

  async #reconciles(): Promise<number> {
    return (await this.#operator.metric('controller_runtime_reconcile_total', 'controller="miningpool"')) ?? 0;
  }

  async #moment() {
    const reconciles = await this.#reconciles();
    const { answers, gatewayAnswers, orders } = this.#stub;
    return { ...this.#usage(), reconciles, answers, gatewayAnswers, orders };
  }

  #usage(): { readonly cpuSeconds: number; readonly maxRssBytes: number } {
    const { pid = 0 } = this.#operator;
    const sample = sampleOf({ name: 'operator', pid });
    if (sample === undefined) throw new Error('the operator has ended');
    return { cpuSeconds: sample.cpuSeconds, maxRssBytes: sample.rssBytes };
  }

  async #list(path: string): Promise<readonly object[]> {
    return taken(await this.#client.get(path)).items;
  }
}

interface Pool {
  readonly metadata: { readonly resourceVersion: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly gateways?: { readonly ready: number; readonly connections: number };
    readonly chain?: { readonly height: number };
  };
}

interface PodObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly status: object;
}

const namespaceOf = (index: number) => `mining-${index}`;
const podsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;
const isAsked = ({ metadata: { labels = {} } }: PodObject) => ASKED.has(labels['app.kubernetes.io/component'] ?? '');

const isTrue = ({ status }: Pool, type: string) =>
  status?.conditions?.some((each) => each.type === type && each.status === 'True') === true;

/** A few of them at once. */
async function inTurn<T>(all: readonly T[], each: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const work = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await each(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
