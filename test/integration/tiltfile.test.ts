// The Tiltfile as Tilt reads it: what there would be on a cluster. None takes part.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { kubernetesPrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { run } from '../support/run.ts';

const programs = ['tilt', 'helm'] as const;
const missing = whyNoKubernetes(programs);
const root = join(import.meta.dirname, '../..');

interface TiltResource {
  readonly Name: string;
  readonly ResourceDependencies: readonly string[] | null;
  readonly DeployTarget: { readonly yaml?: string; readonly spec?: { readonly yaml?: string } };
  readonly ImageTargets: readonly object[] | null;
}

describe.skipIf(missing !== undefined)(`the Tiltfile${missing === undefined ? '' : ` (${missing})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-tilt-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** The resources that Tilt makes of it, by name. */
  const resources = async (context: string, ...settings: readonly string[]): Promise<Map<string, TiltResource>> => {
    const pathOf = await kubernetesPrograms(programs);
    const kubeconfig = join(directory, 'kubeconfig');
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': context },
      contexts: [{ name: context, context: { cluster: context, user: 'it' } }],
      clusters: [{ name: context, cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'it', user: { token: 'none' } }],
    };
    writeFileSync(kubeconfig, stringify(config), { mode: 0o600 });
    const path = [dirname(pathOf('helm')), process.env.PATH].join(delimiter);
    const env = { PATH: path, KUBECONFIG: kubeconfig, TILT_DEV_DIR: directory, TILT_DISABLE_ANALYTICS: '1' };
    const argv = ['alpha', 'tiltfile-result', '--file', join(root, 'Tiltfile'), '--', ...settings];
    const { Manifests } = JSON.parse(await run(pathOf('tilt'), argv, { cwd: directory, env }));
    return new Map(Manifests.map((each: TiltResource) => [each.Name, each]));
  };

  it('has the operator, a pool, and miners who wait for its URL', async () => {
    const all = await resources('kind-sluice');
    expect([...all.keys()].sort()).toEqual(
      ['miner-port', 'miners', 'operator', 'pool', 'pool-url', 'status', 'uncategorized'].sort(),
    );
    expect(all.get('pool')?.ResourceDependencies).toEqual(['operator']);
    expect(all.get('pool-url')?.ResourceDependencies).toEqual(['pool']);
    expect(all.get('miners')?.ResourceDependencies).toEqual(['pool-url']);
    const operator = JSON.stringify(all.get('operator'));
    for (const folder of ['/app/packages', '/app/operator/src', '/app/cli/src']) expect(operator).toContain(folder);
    expect(JSON.stringify(all.get('pool'))).toContain('sluice/sluice');
    expect(JSON.stringify(all.get('uncategorized'))).toContain('miningpools.mining.sluice.dev');
  });

  it('takes settings: dashboards, another namespace, no miners', async () => {
    const all = await resources('kind-sluice', '--dashboards', '--namespace=other', '--miners=0');
    expect([...all.keys()]).toEqual(expect.arrayContaining(['prometheus', 'grafana']));
    expect(JSON.stringify(all.get('grafana'))).toContain('sluice-operator-dashboard-pool');
    expect(JSON.stringify(all.get('miners'))).toMatch(/namespace: other.*replicas: 0/);
  });

  it('has the images made by a command where there is no Docker, with the same updates of the operator', async () => {
    const all = await resources('kind-sluice', '--builder=make-image');
    for (const name of ['operator', 'pool'])
      expect(JSON.stringify(all.get(name)?.ImageTargets)).toMatch(/make-image.*"outputMode":"remote"/);
    expect(JSON.stringify(all.get('operator'))).toContain('/app/operator/src');
  });

  it('leaves clusters alone that are not of this machine', async () => {
    await expect(resources('production')).rejects.toThrow('production');
    expect((await resources('production', '--context=production')).size).toBeGreaterThan(5);
  });
});
