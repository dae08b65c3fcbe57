// The chart on an API server, from a release to the next one and back: what it brings, and what it leaves alone. No pod runs here; what an operator
// makes of it is on the real node of test/cluster.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { examplePool } from '../../operator/test/defaulted.ts';
import { controlPlanePrograms, kubernetesPrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { pathOf } from '../support/kubernetes/custom-resources.ts';
import { CHART, helm } from '../support/kubernetes/helm.ts';

const missing = whyNoKubernetes([...controlPlanePrograms, 'helm']);
const namespace = 'sluice-system';
const DEFINITIONS = 'definitions';
const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/miningpools.mining.sluice.dev';
const role = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${namespace}-sluice-operator`;
const pool = { kind: 'MiningPool', metadata: { name: 'demo', namespace: 'default' } };

describe.skipIf(missing !== undefined)(`the chart${missing === undefined ? '' : ` (${missing})`}`, () => {
  const older = mkdtempSync(join(tmpdir(), 'sluice-older-chart-'));
  let plane: ControlPlane;

  const client = () => plane.client();
  const run = (...args: readonly string[]) => helm(plane.kubeconfig, ...args, `--namespace=${namespace}`);
  /** Whether pools can be told what their blocks say. */
  const knowsTags = async () => {
    const { versions } = (await client().get(definition)).body.spec;
    const { spec } = versions[0].schema.openAPIV3Schema.properties;
    return 'coinbaseTag' in spec.properties.payout.properties;
  };
  const mayWritePolicies = async () =>
    (await client().get(role)).body.rules.some(({ resources }: { resources: readonly string[] }) =>
      resources.includes('networkpolicies'),
    );
  const apply = (payout: object) => {
    const { apiVersion, spec } = examplePool('regtest');
    return client().apply(pathOf(pool), { ...pool, apiVersion, spec: { ...spec, payout } });
  };
  const { outputs } = examplePool('regtest').spec.payout;

  beforeAll(async () => {
    await kubernetesPrograms(['helm']);
    plane = await ControlPlane.start();
    // The definitions are links to where they are made.
    cpSync(CHART, older, { recursive: true, filter: (path) => path !== join(CHART, DEFINITIONS) });
    mkdirSync(join(older, DEFINITIONS));
    for (const file of readdirSync(join(CHART, DEFINITIONS))) {
      const written = parse(readFileSync(join(CHART, DEFINITIONS, file), 'utf8'));
      const { payout } = written.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties;
      delete payout?.properties.coinbaseTag;
      writeFileSync(join(older, DEFINITIONS, file), stringify(written));
    }
    const rules = join(older, 'rules/children.yaml');
    const left = parse(readFileSync(rules, 'utf8')).filter(
      ({ resources }: { resources: readonly string[] }) => !resources.includes('networkpolicies'),
    );
    writeFileSync(rules, stringify(left));
    const chart = join(older, 'Chart.yaml');
    writeFileSync(chart, readFileSync(chart, 'utf8').replace(/^version: .*$/m, 'version: 0.0.1'));
  });
  afterAll(async () => {
    await plane.stop();
    rmSync(older, { recursive: true });
  });

  it('is installed as an older release, which does not know all fields yet', async () => {
    await run('install', 'sluice', older, '--create-namespace', '--set=replicas=0');
    expect([await knowsTags(), await mayWritePolicies()]).toEqual([false, false]);
    expect((await apply({ outputs, coinbaseTag: '/ours/' })).body.message).toContain('coinbaseTag: field not declared');
    expect((await apply({ outputs })).status).toBe(201);
  });

  it('is upgraded with definitions and rights, and touches no resource', async () => {
    const before = (await client().get(pathOf(pool))).body.metadata;
    await run('upgrade', 'sluice', CHART, '--reset-then-reuse-values');
    expect([await knowsTags(), await mayWritePolicies()]).toEqual([true, true]);
    expect((await client().get(pathOf(pool))).body.metadata).toEqual(before);
    expect((await apply({ outputs, coinbaseTag: '/ours/' })).body.spec.payout.coinbaseTag).toBe('/ours/');
  });

  it('goes back, and the resources stay', async () => {
    const { uid } = (await client().get(pathOf(pool))).body.metadata;
    await run('rollback', 'sluice');
    expect([await knowsTags(), await mayWritePolicies()]).toEqual([false, false]);
    const { metadata, spec } = (await client().get(pathOf(pool))).body;
    expect([metadata.uid, spec.payout.coinbaseTag]).toEqual([uid, undefined]);
  });

  it('leaves definitions and resources when it is uninstalled, to a release that takes them over', async () => {
    await run('uninstall', 'sluice', '--no-hooks');
    expect((await client().get(role)).status).toBe(404);
    expect((await client().get(pathOf(pool))).status).toBe(200);
    await expect(run('install', 'other', CHART, '--set=replicas=0')).rejects.toThrow('invalid ownership metadata');
    const owner = ['meta.helm.sh/release-name=other', `meta.helm.sh/release-namespace=${namespace}`];
    const names = ['miningpools', 'proxyfleets'].map((name) => `${name}.mining.sluice.dev`);
    await plane.kubectl('annotate', '--overwrite', 'customresourcedefinitions', ...names, ...owner);
    await run('install', 'other', CHART, '--set=replicas=0');
    expect(await knowsTags()).toBe(true);
    expect((await client().get(pathOf(pool))).status).toBe(200);
  });
});
