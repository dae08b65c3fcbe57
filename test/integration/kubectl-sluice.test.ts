// `kubectl sluice` as kubectl finds it, on a real API server with the operator beside it. kwok says of pods that they run; their miners are the test's.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { examplePool, exampleProxyFleet } from '../../operator/test/defaulted.ts';
import { taken } from '../support/kubernetes/api-client.ts';
import { controlPlanePrograms, kubernetesPrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { applyCustomResourceDefinitions, pathOf } from '../support/kubernetes/custom-resources.ts';
import { type FakeFleet, FakeMiners } from '../support/kubernetes/fake-miners.ts';
import { Kwok } from '../support/kubernetes/kwok.ts';
import { createOperatorAccount, type OperatorAccount } from '../support/kubernetes/operator-account.ts';
import { operatorProcess } from '../support/kubernetes/operator-process.ts';
import { isSettled } from '../support/kubernetes/scaled-cluster.ts';
import { run } from '../support/run.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes([...controlPlanePrograms, 'kwok']);
const namespace = 'mining';
const plugin = join(import.meta.dirname, '../../cli/bin/kubectl-sluice.js');

describe.skipIf(missing !== undefined)(`kubectl sluice${missing === undefined ? '' : ` (${missing})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-kubectl-'));
  let plane: ControlPlane;
  let kwok: Kwok;
  let miners: FakeMiners;
  let account: OperatorAccount;
  let operator: ServiceProcess;
  let fleet: FakeFleet;

  /** Resolves with what it prints; rejects with that and its complaints. */
  const sluice = async (words: string, kubeconfig = plane.kubeconfig): Promise<string> => {
    const program = await kubernetesPrograms(['kubectl']);
    const path = [directory, dirname(process.execPath), process.env.PATH].join(delimiter);
    const env = { PATH: path, KUBECONFIG: kubeconfig };
    return run(program('kubectl'), ['sluice', ...words.split(' '), '-n', namespace], { env });
  };
  const path = (kind: string, name: string) => pathOf({ kind, metadata: { name, namespace } });
  const apply = async (kind: string, name: string, spec: object) => {
    const metadata = { name, namespace, annotations: { 'example.com/api-token': 'hunter2' } };
    const resource = { apiVersion: 'mining.sluice.dev/v1alpha1', kind, metadata, spec };
    taken(await plane.client().apply(path(kind, name), resource));
  };
  const noiseKeys = async () =>
    (await plane.client().get(`/api/v1/namespaces/${namespace}/secrets/main-gw-noise`)).body.data;
  const main = async () => (await plane.client().get(path('MiningPool', 'main'))).body;
  const showLog = () => onTestFailed(() => console.log(operator.log(60)));

  beforeAll(async () => {
    symlinkSync(plugin, join(directory, 'kubectl-sluice'));
    plane = await ControlPlane.start();
    kwok = await Kwok.start(plane, 1);
    await plane.client().post('/api/v1/namespaces', { metadata: { name: namespace } });
    account = await createOperatorAccount(plane);
    miners = await FakeMiners.start(plane, namespace);
    fleet = miners.fleet('farm-px');
    const flags = ['--image', 'registry.example/sluice:1', '--pod-url', miners.podUrl];
    operator = await operatorProcess(account, directory, ...flags);
  });
  afterAll(async () => {
    await operator.kill();
    await miners.stop();
    await kwok.stop();
    await plane.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('says what is missing: the chart, a resource, a permission', async () => {
    await expect(sluice('status')).rejects.toThrow('this cluster does not know MiningPools and ProxyFleets');
    await applyCustomResourceDefinitions(plane);
    expect(await sluice('status')).toBe('No MiningPool or ProxyFleet in namespace mining.\n');
    await expect(sluice('pause main')).rejects.toThrow('no MiningPool or ProxyFleet main in namespace mining');
    await expect(sluice('drain main-gw-0', account.kubeconfig)).rejects.toThrow(
      `not permitted: ${account.user} lacks the verb get on pods in namespace mining`,
    );
    await expect(sluice('status --context other')).rejects.toThrow(
      'context other has no current context that is whole',
    );
  });

  it('shows a pool and a fleet with their pods', async () => {
    showLog();
    operator.launch();
    await operator.ready(120_000);
    const pool = examplePool('regtest').spec;
    await apply('MiningPool', 'main', {
      ...pool,
      nodes: [{ name: 'a', rpcURL: 'http://bitcoind.example:18443', zmqURL: 'tcp://bitcoind.example:28332' }],
      bus: { mode: 'External', external: { servers: ['nats://nats.example:4222'] } },
    });
    const { spec } = exampleProxyFleet('farm');
    const { proxies } = spec;
    await apply('ProxyFleet', 'farm', {
      ...spec,
      upstreams: [{ name: 'first', url: 'stratum+tcp://pool.example:3333', identity: 'account' }],
      proxies: {
        ...{ ...proxies, replicas: 2, autoscaling: { ...proxies.autoscaling, enabled: false } },
        ...{ rebalance: { ...proxies.rebalance, enabled: false }, rollout: { ...proxies.rollout, minReadySeconds: 1 } },
      },
    });
    await waitFor(() => isSettled(fleet, 2), 60_000);
    fleet.join(60);
    await waitFor(() => fleet.connected === 60);
    await waitFor(async () => (await main()).status?.endpoints?.length === 1);
    // A status that was written before there were pods is not written again within 15 seconds.
    const farm = async () => (await plane.client().get(path('ProxyFleet', 'farm'))).body;
    await waitFor(async () => (await farm()).status?.proxies?.replicas === 2, 40_000);
    const [{ uri }] = (await main()).status.endpoints;
    const text = await sluice('status');
    expect(text).toMatch(/^MiningPool mining\/main: .*\n\n {2}CONDITION +STATUS +SINCE +REASON +MESSAGE\n/);
    expect(text).toMatch(/^ProxyFleet mining\/farm: .*2 of 2 proxies/m);
    expect(text).toContain(uri);
    for (const { name } of fleet.pods)
      expect(text).toMatch(new RegExp(`^ {2}${name} +proxy +yes +accepting +- +\\d+s$`, 'm'));
    const states = JSON.parse(await sluice('status proxyfleet/farm -o json'));
    expect(states).toMatchObject([{ kind: 'ProxyFleet', name: 'farm', isPaused: false }]);
    expect(states[0].pods.map(({ name }: { name: string }) => name)).toEqual(fleet.pods.map(({ name }) => name).sort());
  });

  it('has another pod in the place of one, with each of its miners moved once and nobody else', async () => {
    showLog();
    const [asked, other] = fleet.pods.map(({ name }) => name);
    const text = await sluice(`drain ${asked}`);
    expect(text).toContain(`${asked} waits for another one in its place`);
    expect(text.trimEnd().split('\n').at(-1)).toBe(`${asked} is gone`);
    await waitFor(() => isSettled(fleet, 2), 30_000);
    const names = fleet.pods.map(({ name }) => name);
    expect([names.includes(asked ?? ''), names.includes(other ?? '')]).toEqual([false, true]);
    expect([fleet.wrongs, fleet.mostMoves, fleet.most]).toEqual([[], 1, 3]);
    expect(fleet.miners.filter(({ moves }) => moves === 0).length).toBeGreaterThan(10);
    await expect(sluice(`drain ${asked}`)).rejects.toThrow(`no pod ${asked} in namespace mining`);
  });

  it('exchanges a certificate, and another authority only for somebody who says yes', async () => {
    showLog();
    const before = await noiseKeys();
    const { authorityPublicKey: key } = (await main()).status;
    expect(await sluice('rotate-keys main')).toBe('MiningPool mining/main has another certificate\n');
    expect(await noiseKeys()).not.toEqual(before);
    await expect(sluice('rotate-keys main --new-authority')).rejects.toThrow('nobody is there to be asked');
    expect((await main()).status.authorityPublicKey).toBe(key);
    const text = await sluice('rotate-keys main --new-authority --yes');
    const after = (await main()).status;
    expect(after.authorityPublicKey).not.toBe(key);
    expect(text).toContain(after.endpoints[0].uri);
    await expect(sluice('rotate-keys farm')).rejects.toThrow('ProxyFleet mining/farm has no listener of Stratum V2');
  });

  it('pauses and goes on', async () => {
    await sluice('pause farm');
    const isPaused = async () =>
      (await plane.client().get(path('ProxyFleet', 'farm'))).body.status.conditions.some(
        ({ type, status }: { type: string; status: string }) => type === 'ReconciliationPaused' && status === 'True',
      );
    await waitFor(isPaused, 30_000);
    expect(await sluice('status farm')).toMatch(/^ProxyFleet mining\/farm: .*paused/);
    await expect(sluice(`drain ${fleet.pods[0]?.name}`)).rejects.toThrow('farm is paused: kubectl sluice resume farm');
    await sluice('resume farm');
    await waitFor(async () => !(await isPaused()), 30_000);
  });

  it('reports without secrets', async () => {
    const text = await sluice('report main');
    const { resource, events, operators } = JSON.parse(text);
    expect(resource.metadata.annotations['example.com/api-token']).toBe('(hidden)');
    expect(text).not.toContain('hunter2');
    expect(events.map(({ reason }: { reason: string }) => reason)).toContain('AuthorityKeyRotated');
    expect(operators).toEqual([]);
    expect(await sluice('report main', account.kubeconfig)).toContain('cannot list resource \\"events\\"');
  });

  it('lets go of a resource that waits for an operator who is gone', async () => {
    await expect(sluice('release main --yes')).rejects.toThrow('MiningPool mining/main is not being deleted');
    await operator.kill();
    await plane.client().delete(path('MiningPool', 'main'));
    expect(await sluice('status main')).toMatch(/^MiningPool mining\/main: .*being deleted/);
    expect(await sluice('release main --yes')).toContain('MiningPool mining/main is let go\n');
    expect((await plane.client().get(path('MiningPool', 'main'))).status).toBe(404);
  });
});
