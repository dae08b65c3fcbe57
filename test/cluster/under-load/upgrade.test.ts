// A pool on a real node, all of whose pods are exchanged for those of another image while miners send shares, with the operator killed in the middle;
// then another operator by an upgrade of the release, which touches no pod. Both sides are counted at the end.
import { afterAll, beforeAll, expect, inject, it, onTestFailed } from 'vitest';
import { examplePool } from '../../../operator/test/defaulted.ts';
import { SLUICE_IMAGE } from '../../support/kubernetes/images.ts';
import { isReady, LoadedPool, livesOf, nothing, SHARES } from '../../support/kubernetes/loaded-pool.ts';
import { CONTAINERD_SOCKET } from '../../support/kubernetes/node-settings.ts';
import { run } from '../../support/run.ts';
import { waitFor } from '../../support/wait-for.ts';

const EXCHANGED_MS = 240_000;
const [repository = ''] = SLUICE_IMAGE.split(':');

let pool: LoadedPool;

beforeAll(async () => {
  const images = ['--address', CONTAINERD_SOCKET, '--namespace=k8s.io', 'images'];
  await run('ctr', [...images, 'tag', '--force', SLUICE_IMAGE, `${repository}:next`]);
  pool = await LoadedPool.start(inject('kubeconfig'), 'upgrade', examplePool('regtest'));
});
afterAll(async () => {
  await pool?.stop();
});

it('exchanges every pod under load, with the operator killed in the middle, and no miner connects more than once anew', async () => {
  onTestFailed(async () => console.error(await pool.logs()));
  const before = new Set((await pool.ours()).map(({ metadata }) => metadata.uid));
  await pool.someMore();
  const begin = performance.now();
  await pool.patch({ image: { repository, tag: 'next', pullPolicy: 'Never' } });
  await waitFor(async () => (await pool.ours()).some(({ metadata }) => !before.has(metadata.uid)), 60_000);
  const inOperators = `--namespace=${pool.operatorNamespace}`;
  await pool.kubectl.run('delete', inOperators, 'pods', '--all', '--force', '--grace-period=0');
  await waitFor(async () => {
    const now = await pool.ours();
    return now.length === before.size && now.every((pod) => isReady(pod) && !before.has(pod.metadata.uid));
  }, EXCHANGED_MS);
  console.log(`${before.size} pods exchanged in ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
  await pool.someMore();
  console.log(`connections made anew, of each miner: ${pool.losses().join(' ')}`);
  expect(Math.max(...pool.losses())).toBeLessThanOrEqual(1);
}, 480_000);

it('is left alone by the operator of an upgraded release: no pod is started again, no connection ends', async () => {
  onTestFailed(async () => console.error(await pool.logs()));
  const [before, lossesBefore] = [livesOf(await pool.pods()), pool.losses()];
  await pool.upgradeChart('next');
  const { metadata } = await pool.resource();
  // It has looked at the pool when it says so of a generation that it alone has seen.
  await pool.patch({ gateways: { rebalance: { tolerancePercent: 30 } } });
  await waitFor(async () => (await pool.resource()).status.observedGeneration > metadata.generation, 60_000);
  expect(livesOf(await pool.pods())).toEqual(before);
  await pool.someMore();
  expect(pool.losses()).toEqual(lossesBefore);
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
