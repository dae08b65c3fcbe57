// A pool and proxies of the release before, made by its own chart, operator and services, become those of this release while miners send shares: the
// operator first and the pods later, as the docs have it for who wants to choose the hour. Both sides are counted at the end. Needs that release's
// image: `RELEASE_BEFORE_IMAGE` is an archive of it, as `docker save` writes it, under the name docker.io/sluice/sluice:before.
import { afterAll, beforeAll, describe, expect, inject, it, onTestFailed } from 'vitest';
import { SLUICE_IMAGE } from '../../support/kubernetes/images.ts';
import { isReady, LoadedPool, livesOf, nothing, type PoolPod, SHARES } from '../../support/kubernetes/loaded-pool.ts';
import { CONTAINERD_SOCKET } from '../../support/kubernetes/node-settings.ts';
import { CHART_BEFORE, fleetBefore, poolBefore } from '../../support/kubernetes/release-before.ts';
import { run } from '../../support/run.ts';
import { waitFor } from '../../support/wait-for.ts';

const { RELEASE_BEFORE_IMAGE: archive = '' } = process.env;
const EXCHANGED_MS = 300_000;
const [, tag = ''] = SLUICE_IMAGE.split(':');
/** Tag of that release's image. */
const BEFORE = 'before';
const FLEET = 'hall';
const namespace = 'pinned';

describe.skipIf(archive === '')('from the release before', () => {
  let pool: LoadedPool;
  let begin: readonly PoolPod[];

  const inNamespace = `--namespace=${namespace}`;
  const fleet = () => pool.kubectl.get(inNamespace, 'proxyfleet', FLEET);
  const proxies = async (): Promise<readonly PoolPod[]> =>
    (await pool.kubectl.get(inNamespace, 'pods', `--selector=app.kubernetes.io/instance=${FLEET}`)).items;
  const all = async () => [...(await pool.pods()), ...(await proxies())];
  const runs = (image: string) => async () =>
    [...(await pool.ours()), ...(await proxies())].every(
      (pod) => isReady(pod) && pod.spec.containers[0].image.endsWith(`:${image}`),
    );
  /** The docs' patch. */
  const setImage = async (image: string) => {
    for (const what of ['miningpool/demo', `proxyfleet/${FLEET}`])
      await pool.kubectl.run(
        'patch',
        inNamespace,
        what,
        '--type=merge',
        `--patch={"spec":{"image":{"tag":"${image}"}}}`,
      );
  };
  /** Resolves when the operator of this release has looked at both, by a generation that it alone has seen. */
  const lookedAt = async () => {
    const kinds = [
      ['miningpool/demo', 'gateways'],
      [`proxyfleet/${FLEET}`, 'proxies'],
    ];
    for (const [what = '', pods] of kinds) {
      const patch = JSON.stringify({ spec: { [pods as string]: { rebalance: { tolerancePercent: 30 } } } });
      await pool.kubectl.run('patch', inNamespace, what, '--type=merge', `--patch=${patch}`);
      const { generation } = (await pool.kubectl.get(inNamespace, what)).metadata;
      const condition = `--for=jsonpath={.status.observedGeneration}=${generation}`;
      await pool.kubectl.run('wait', inNamespace, what, condition, '--timeout=120s');
    }
  };
  const secrets = async () => {
    const { items } = await pool.kubectl.get(inNamespace, 'secrets');
    return items.map(({ metadata }: PoolPod) => `${metadata.name} ${metadata.uid}`).sort();
  };

  beforeAll(async () => {
    await run('ctr', ['--address', CONTAINERD_SOCKET, '--namespace=k8s.io', 'images', 'import', archive]);
    pool = await LoadedPool.start(inject('kubeconfig'), namespace, poolBefore, { chart: CHART_BEFORE, image: BEFORE });
    await pool.kubectl.apply({ ...fleetBefore, metadata: { name: FLEET, namespace } });
    await pool.kubectl.run('wait', inNamespace, `proxyfleet/${FLEET}`, '--for=condition=Ready', '--timeout=120s');
    begin = await all();
    await pool.someMore();
  });
  afterAll(async () => {
    await pool?.kubectl.run('delete', inNamespace, 'proxyfleets', '--all', '--timeout=120s');
    await pool?.stop();
  });

  it('leaves pods that have an image of their own alone, and no connection ends', async () => {
    onTestFailed(async () => console.error(await pool.logs()));
    await setImage(BEFORE);
    const [secretsBefore, lossesBefore] = [await secrets(), pool.losses()];
    await pool.upgradeChart(tag);
    await lookedAt();
    expect(livesOf(await all())).toEqual(livesOf(begin));
    await pool.someMore();
    expect(livesOf(await all())).toEqual(livesOf(begin));
    expect(pool.losses()).toEqual(lossesBefore);
    expect(await secrets()).toEqual(secretsBefore);
    expect((await fleet()).spec).not.toHaveProperty('jobDeclaration');
  });

  it('exchanges all pods for those of this release, and no miner connects more than once anew', async () => {
    onTestFailed(async () => console.error(await pool.logs()));
    const since = performance.now();
    const lossesBefore = pool.losses();
    await setImage(tag);
    await waitFor(runs(tag), EXCHANGED_MS);
    console.log(`all pods exchanged in ${((performance.now() - since) / 1_000).toFixed(0)} s`);
    await pool.someMore();
    const losses = pool.losses().map((each, miner) => each - (lossesBefore[miner] ?? 0));
    console.log(`connections made anew in this, of each miner: ${losses.join(' ')}`);
    expect(Math.max(...losses)).toBeLessThanOrEqual(1);
    // What is not of this project has the image that it had.
    const others = (pods: readonly PoolPod[]) =>
      livesOf(pods.filter(({ spec }) => !spec.containers[0].image.includes('sluice/')));
    expect(others(await all())).toEqual(others(begin));
    const { status } = await pool.resource();
    expect(status.authorityPublicKey).toBe(pool.authorityKey);
  });

  it('has lost no share that was acknowledged, and stored none twice', async () => {
    const bus = await pool.bus();
    try {
      const { accepted, wrong } = await pool.audit(bus);
      expect(accepted).toBeGreaterThanOrEqual(3 * SHARES);
      expect(wrong).toEqual(nothing);
    } finally {
      await bus.close();
    }
  });
});
