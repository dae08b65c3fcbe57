// A control plane with nodes that are kwok's, the operator as a process with its own account, and miners on the pods of what it makes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exampleProxyFleet } from '../../../operator/test/defaulted.ts';
import type { ServiceProcess } from '../service-process.ts';
import { taken } from './api-client.ts';
import { ControlPlane } from './control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from './custom-resources.ts';
import { type FakeFleet, FakeMiners } from './fake-miners.ts';
import { FaultProxy } from './fault-proxy.ts';
import { Kwok } from './kwok.ts';
import { createOperatorAccount, type OperatorAccount } from './operator-account.ts';
import { operatorProcess } from './operator-process.ts';

const NODES = 3;
const namespace = 'mining';

export class ScaledCluster {
  readonly plane: ControlPlane;
  readonly miners: FakeMiners;
  readonly operator: ServiceProcess;
  /** Between the operator and the API server. */
  readonly proxy: FaultProxy;
  readonly account: OperatorAccount;
  readonly #kwok: Kwok;
  readonly #directory: string;

  private constructor(
    parts: Pick<ScaledCluster, 'plane' | 'miners' | 'operator' | 'proxy' | 'account'>,
    kwok: Kwok,
    directory: string,
  ) {
    this.plane = parts.plane;
    this.miners = parts.miners;
    this.operator = parts.operator;
    this.proxy = parts.proxy;
    this.account = parts.account;
    this.#kwok = kwok;
    this.#directory = directory;
  }

  static async start(): Promise<ScaledCluster> {
    const plane = await ControlPlane.start();
    const kwok = await Kwok.start(plane, NODES);
    await applyCustomResourceDefinitions(plane);
    const proxy = await FaultProxy.start(plane);
    const account = await createOperatorAccount(plane, proxy.url);
    await plane.client().post('/api/v1/namespaces', { metadata: { name: namespace } });
    const miners = await FakeMiners.start(plane, namespace);
    const directory = mkdtempSync(join(tmpdir(), 'sluice-scaled-'));
    const flags = ['--image', 'registry.example/sluice:1', '--pod-url', miners.podUrl, '--log-level', 'debug'];
    const operator = await operatorProcess(account, directory, ...flags);
    operator.launch();
    await operator.ready();
    return new ScaledCluster({ plane, miners, operator, proxy, account }, kwok, directory);
  }

  async stop(): Promise<void> {
    await this.operator.kill();
    await this.proxy.stop();
    await this.miners.stop();
    await this.#kwok.stop();
    await this.plane.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  path(kind: string, name: string): string {
    return pathOf({ kind, metadata: { name, namespace } });
  }

  /** What the API server has of a kind, such as `apps/v1` and `deployments/x`. */
  // biome-ignore lint/suspicious/noExplicitAny: each object of the API has a shape of its own; tests know which.
  async get(apiVersion: string, what: string): Promise<any> {
    return (await this.plane.client().get(`/apis/${apiVersion}/namespaces/${namespace}/${what}`)).body;
  }

  async apply(kind: string, name: string, spec: object): Promise<void> {
    const resource = { apiVersion: 'mining.sluice.dev/v1alpha1', kind, metadata: { name, namespace }, spec };
    taken(await this.plane.client().apply(this.path(kind, name), resource));
  }

  /** A fleet of so many proxies, which is not scaled by its load. @param proxies what else is said of them */
  applyFleet(name: string, replicas: number, { proxies = {}, tag = '1' } = {}): Promise<void> {
    const { spec } = exampleProxyFleet('farm');
    return this.apply('ProxyFleet', name, {
      ...spec,
      image: { ...spec.image, repository: 'registry.example/sluice', tag },
      upstreams: [{ name: 'first', url: 'stratum+tcp://pool.example:3333', identity: 'account' }],
      proxies: {
        ...spec.proxies,
        ...{ replicas, autoscaling: { ...spec.proxies.autoscaling, enabled: false } },
        ...{ rollout: { ...spec.proxies.rollout, minReadySeconds: 1 } },
        ...proxies,
      },
    });
  }
}

/** So many pods, and nothing under way. */
export const isSettled = (fleet: FakeFleet, pods: number): boolean =>
  fleet.pods.length === pods &&
  fleet.pods.every(({ isReady, isTerminating, order }) => isReady && !isTerminating && order === undefined) &&
  fleet.connected === fleet.miners.length;
