// The operator while an API server is away, refuses and breaks off, while it stands still itself, and while others edit and delete what it has made.
// kwok says of pods that they run. `API_AWAY_SECONDS=60` and `LEADER_STOPPED_SECONDS=30` are the lengths of a long run.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { parse, stringify } from 'yaml';
import { examplePool } from '../../operator/test/defaulted.ts';
import { taken } from '../support/kubernetes/api-client.ts';
import { writesOf } from '../support/kubernetes/audit-log.ts';
import { controlPlanePrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { operatorProcess } from '../support/kubernetes/operator-process.ts';
import { ScaledCluster } from '../support/kubernetes/scaled-cluster.ts';
import { waitFor } from '../support/wait-for.ts';

const missing = whyNoKubernetes([...controlPlanePrograms, 'kwok']);
const AWAY_MS = 1_000 * Number(process.env.API_AWAY_SECONDS ?? 15);
/** Longer than the lease holds. */
const STOPPED_MS = 1_000 * Number(process.env.LEADER_STOPPED_SECONDS ?? 20);
/** Two of each service and two gateways, one server and one node. */
const PODS = 12;
const namespace = 'mining';
const core = `/api/v1/namespaces/${namespace}`;
const apps = `/apis/apps/v1/namespaces/${namespace}`;
const service = `${core}/services/demo-gw-sv2`;

interface Placed {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly phase: string };
}

interface Named {
  readonly metadata: { readonly name: string; readonly uid: string; readonly ownerReferences?: readonly object[] };
}

describe.skipIf(missing !== undefined)(
  `chaos around the operator${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    let cluster: ScaledCluster;
    let touches = 0;

    const client = () => cluster.plane.client();
    const get = async (path: string) => taken(await client().get(path));
    const writesOfOperators = () => writesOf(cluster.account.user, cluster.plane);
    /** Of every pod, by which one that was exchanged is told. */
    const pods = async () => (await get(`${core}/pods`)).items.map(({ metadata }: Named) => metadata.uid).sort();
    const isThere = async (path: string) => (await client().get(path)).status === 200;
    /** Resolves with after how long the operator has made it anew, in seconds. */
    const remade = async (path: string, withinMs: number) => {
      const begin = performance.now();
      await waitFor(() => isThere(path), withinMs);
      return ((performance.now() - begin) / 1_000).toFixed(1);
    };
    /** The operator looks at the pool again. */
    const touch = async () => {
      touches += 1;
      const path = cluster.path('MiningPool', 'demo');
      const annotations = { 'example.com/touched': String(touches) };
      const resource = { apiVersion: 'mining.sluice.dev/v1alpha1', kind: 'MiningPool' };
      const { spec } = examplePool('regtest');
      taken(await client().apply(path, { ...resource, metadata: { name: 'demo', namespace, annotations }, spec }));
    };

    beforeAll(async () => {
      cluster = await ScaledCluster.start();
      await touch();
      await waitFor(async () => (await get(`${core}/pods`)).items.length === PODS, 90_000);
      // What a pool has of its own is written by then.
      await waitFor(async () => {
        const before = writesOfOperators().length;
        await sleep(3_000);
        return writesOfOperators().length === before;
      }, 60_000);
    });
    afterAll(async () => {
      await cluster.stop();
    });
    beforeEach(() => {
      onTestFailed(() => console.log(cluster.operator.log(80)));
    });

    it(`leaves each pod while the API server is away for ${AWAY_MS / 1_000} s, and makes good within 20 s what was broken`, async () => {
      const before = await pods();
      const { length } = writesOfOperators();
      cluster.proxy.cut();
      const begin = performance.now();
      await client().delete(service);
      await waitFor(async () => (await cluster.operator.metric('leader_election_master_status')) === 0, 60_000);
      await sleep(Math.max(0, AWAY_MS - (performance.now() - begin)));
      expect(cluster.operator.running).toBe(true);
      expect(writesOfOperators().length).toBe(length);
      cluster.proxy.restore();
      console.log(
        `the API server is back after ${AWAY_MS / 1_000} s: made good after ${await remade(service, 20_000)} s`,
      );
      expect(await pods()).toEqual(before);
    });

    it.each([
      ['conflict', 409, 20, {}],
      ['throttling, as of a fresh definition', 429, 20, { 'retry-after': '1' }],
      ['failure', 500, 20, {}],
    ])('goes through a storm of %s', async (what, status, count, headers) => {
      const before = await pods();
      const left = cluster.proxy.refuse(status, count, headers);
      await client().delete(service);
      const seconds = await remade(service, 60_000);
      console.log(`${what}: ${count} requests refused with ${status}, made good after ${seconds} s`);
      expect(left()).toBe(0);
      expect(await pods()).toEqual(before);
    });

    it.each([
      ['are cut', () => cluster.proxy.reset()],
      ['have expired', () => cluster.proxy.failWatches(410)],
    ])('sees what happens after its watches %s', async (_what, fail) => {
      await waitFor(() => cluster.proxy.watches > 0);
      fail();
      await client().delete(service);
      await remade(service, 20_000);
    });

    const edits: Readonly<Record<string, (pod: { containers: object[]; hostNetwork?: boolean }) => void>> = {
      'a sidecar': (pod) => {
        pod.containers.push({ name: 'sidecar', image: 'registry.example/sidecar:1' });
      },
      'a variable': (pod) => {
        const [container] = pod.containers as [{ env?: object[] }];
        container.env = [...(container.env ?? []), { name: 'SLUICE_LOG_LEVEL', value: 'debug' }];
      },
      "the host's network": (pod) => {
        pod.hostNetwork = true;
      },
    };
    it.each(Object.keys(edits))(
      'takes %s out of a Deployment, a StatefulSet and the ReplicaSet of gateways',
      async (edit) => {
        const selector = encodeURIComponent('mining.sluice.dev/workload=demo-gw');
        const [set] = (await get(`${apps}/replicasets?labelSelector=${selector}`)).items;
        const paths = ['deployments/demo-jd', 'statefulsets/demo-tp', `replicasets/${set.metadata.name}`];
        for (const path of paths.map((each) => `${apps}/${each}`)) {
          const { template } = (await get(path)).spec;
          await waitFor(async () => {
            const live = await get(path);
            edits[edit]?.(live.spec.template.spec);
            const { status, body } = await client().put(path, live);
            // Somebody may have written in between.
            if (status === 409) return false;
            expect(body.spec.template).not.toEqual(template);
            return true;
          });
          await waitFor(
            async () => JSON.stringify((await get(path)).spec.template) === JSON.stringify(template),
            30_000,
          );
        }
      },
    );

    it("leaves a cloud controller's annotation where it is", async () => {
      const live = await get(service);
      const theirs = { 'service.example.com/load-balancer-id': 'lb-1' };
      const annotations = { ...live.metadata.annotations, ...theirs };
      taken(await client().put(service, { ...live, metadata: { ...live.metadata, annotations } }));
      // Something of ours at the same object, so that it is certainly written again.
      const edited = await get(service);
      taken(await client().put(service, { ...edited, spec: { ...edited.spec, selector: { app: 'theirs' } } }));
      await waitFor(async () => (await get(service)).spec.selector.app === undefined);
      expect((await get(service)).metadata.annotations).toMatchObject(theirs);
    });

    it('lets a node be drained as its budgets allow: never all gateways at a time', async () => {
      const running = async (): Promise<readonly Placed[]> =>
        (await get(`${core}/pods`)).items.filter(
          ({ metadata, status }: Placed) => metadata.deletionTimestamp === undefined && status.phase === 'Running',
        );
      const gateways = async () =>
        (await running()).filter(({ metadata }) => metadata.labels['mining.sluice.dev/workload'] === 'demo-gw');
      const evict = ({ metadata }: Placed) =>
        client().post(`${core}/pods/${metadata.name}/eviction`, {
          ...{ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: metadata.name, namespace } },
        });
      const budget = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/demo-gw`;
      const isAllowed = async () => (await get(budget)).status.disruptionsAllowed === 1;
      await waitFor(async () => (await gateways()).length === 2 && (await isAllowed()), 60_000);
      // The pod that is evicted first is not made good before the other one is to go.
      cluster.plane.signal('kube-controller-manager', 'SIGSTOP');
      const answers = await Promise.all((await gateways()).map(evict)).finally(() =>
        cluster.plane.signal('kube-controller-manager', 'SIGCONT'),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 429]);
      await waitFor(async () => (await gateways()).length === 2, 60_000);

      const nodeName = (await gateways())[0]?.spec.nodeName ?? '';
      const before = (await running()).filter((pod) => pod.spec.nodeName === nodeName).length;
      let fewest = 2;
      let isDrained = false;
      const flags = ['--ignore-daemonsets', '--delete-emptydir-data', '--timeout=90s'];
      const drained = cluster.plane.kubectl('drain', nodeName, ...flags).finally(() => {
        isDrained = true;
      });
      await waitFor(async () => {
        fewest = Math.min(fewest, (await gateways()).length);
        return isDrained;
      }, 100_000);
      await drained;
      await waitFor(async () => (await running()).length === PODS, 60_000);
      expect((await running()).filter((pod) => pod.spec.nodeName === nodeName)).toEqual([]);
      console.log(`a node with ${before} pods of a pool was drained; gateways at the least: ${fewest}`);
      expect(fewest).toBeGreaterThan(0);
      await cluster.plane.kubectl('uncordon', nodeName);
    });

    it('makes anew every Secret of the pool that somebody deletes', async () => {
      const secrets = async (): Promise<readonly string[]> =>
        (await get(`${core}/secrets`)).items
          .filter(({ metadata }: Named) => metadata.ownerReferences !== undefined)
          .map(({ metadata }: Named) => metadata.name)
          .sort();
      const before = await secrets();
      expect(before).toEqual(expect.arrayContaining(['demo-gw-noise', 'demo-gw-orders', 'demo-nats-users']));
      for (const name of before) await client().delete(`${core}/secrets/${name}`);
      // They are not watched, and looked at every three minutes; by whoever leads next, at once.
      await cluster.operator.kill('SIGTERM');
      cluster.operator.launch();
      const begin = performance.now();
      await waitFor(async () => (await secrets()).join() === before.join(), 60_000);
      console.log(
        `${before.length} Secrets: all made anew after ${((performance.now() - begin) / 1_000).toFixed(1)} s`,
      );
    });

    it(`writes nothing any more when it goes on after ${STOPPED_MS / 1_000} s in which another one has led`, async () => {
      const { account, operator, plane } = cluster;
      const path = `/api/v1/namespaces/${account.namespace}/serviceaccounts/sluice-operator/token`;
      const { token } = taken(await client().post(path, { spec: {} })).status;
      const kubeconfig = join(plane.directory, 'second-operator.conf');
      const config = parse(readFileSync(account.kubeconfig, 'utf8'));
      const first: string = config.users[0].user.token;
      config.users[0].user = { token };
      writeFileSync(kubeconfig, stringify(config), { mode: 0o600 });
      const flags = ['--image', 'registry.example/sluice:1'];
      const second = await operatorProcess({ ...account, kubeconfig }, plane.directory, ...flags);
      second.launch();
      try {
        await second.ready();
        process.kill(operator.pid as number, 'SIGSTOP');
        const begin = performance.now();
        await client().delete(service);
        const seconds = await remade(service, 60_000);
        await sleep(Math.max(0, STOPPED_MS - (performance.now() - begin)));
        const woken = new Date().toISOString();
        process.kill(operator.pid as number, 'SIGCONT');
        await waitFor(async () => (await operator.metric('leader_election_master_status')) === 0);
        // Both see it, and only one may do something about it.
        await client().delete(service);
        await remade(service, 20_000);
        const { jti } = JSON.parse(Buffer.from(first.split('.')[1] as string, 'base64url').toString());
        const late = writesOfOperators().filter(
          ({ user, requestReceivedTimestamp }) =>
            requestReceivedTimestamp > woken &&
            user.extra?.['authentication.kubernetes.io/credential-id']?.join() === `JTI=${jti}`,
        );
        console.log(`the next leader made good after ${seconds} s; writes of the one before: ${late.length}`);
        expect(late).toEqual([]);
        // Or nothing is told by which of them has written.
        const credentials = writesOfOperators().map(
          ({ user }) => user.extra?.['authentication.kubernetes.io/credential-id']?.[0],
        );
        expect(new Set(credentials).size).toBe(2);
        expect(credentials).toContain(`JTI=${jti}`);
      } finally {
        await second.kill();
      }
    });
  },
);
