// The chart on an API server, from the release before to this one and back: what it brings, and what it leaves alone. No pod runs here; what an operator
// makes of it is on the real node of test/cluster.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { controlPlanePrograms, kubernetesPrograms, whyNoKubernetes } from '../support/kubernetes/binaries.ts';
import { ControlPlane } from '../support/kubernetes/control-plane.ts';
import { pathOf } from '../support/kubernetes/custom-resources.ts';
import { CHART, helm } from '../support/kubernetes/helm.ts';
import { operatorRules } from '../support/kubernetes/operator-account.ts';
import { CHART_BEFORE, CHART_NAME_BEFORE, fleetBefore, poolBefore } from '../support/kubernetes/release-before.ts';

const missing = whyNoKubernetes([...controlPlanePrograms, 'helm']);
const namespace = 'sluice-system';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const role = `${rbac}/clusterroles/${namespace}-sluice-operator`;
/** Of an operator that acts in one namespace. */
const roleThere = `${rbac}/namespaces/default/roles/${namespace}-sluice-operator`;
const definitions = readdirSync(join(CHART, 'definitions')).map((file) =>
  parse(readFileSync(join(CHART, 'definitions', file), 'utf8')),
);
const { name: chart, version } = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));

interface ChartObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly object[];
  };
}

const nameOf = ({ kind, metadata }: ChartObject) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

describe.skipIf(missing !== undefined)(`the chart${missing === undefined ? '' : ` (${missing})`}`, () => {
  let plane: ControlPlane;

  const client = () => plane.client();
  const run = (...args: readonly string[]) => helm(plane.kubeconfig, ...args, `--namespace=${namespace}`);
  /** Whether the definitions are those of this release. */
  const areDefined = async () => {
    const live = await Promise.all(
      definitions.map(({ metadata }) =>
        client().get(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${metadata.name}`),
      ),
    );
    return live.every(({ body }, index) => isDeepStrictEqual(body.spec.versions, definitions[index].spec.versions));
  };
  const isThere = async (path: string) => (await client().get(path)).status === 200;
  const live = async (object: typeof fleetBefore) => (await client().get(pathOf(object))).body;
  /** What there is of the release in the whole cluster. */
  const objects = async (): Promise<readonly ChartObject[]> => {
    const kinds = (await plane.kubectl('api-resources', '--verbs=list', '--output=name')).trim().split('\n');
    const list = await plane.kubectl('get', kinds.join(), '--all-namespaces', '--output=json');
    return JSON.parse(list).items.filter(
      // What belongs to one of its objects has its annotations as well.
      ({ metadata: { annotations = {}, ownerReferences = [] } }: ChartObject) =>
        annotations['meta.helm.sh/release-name'] === 'sluice' && ownerReferences.length === 0,
    );
  };
  const chartsOf = (all: readonly ChartObject[]) => [
    ...new Set(
      all
        .filter(({ kind }) => kind !== 'CustomResourceDefinition')
        .map(({ metadata }) => metadata.labels?.['helm.sh/chart']),
    ),
  ];
  const { jobDeclaration, ...spec } = fleetBefore.spec;
  const fleet = { ...fleetBefore, spec };
  const tls = { secretRef: { name: 'hall-tls' } };
  const listeners = [...spec.proxies.listeners, { name: 'tls', protocol: 'SV1', port: 34255, tls }];
  const fleetByTls = { ...fleet, spec: { ...spec, proxies: { ...spec.proxies, listeners } } };

  beforeAll(async () => {
    await kubernetesPrograms(['helm']);
    plane = await ControlPlane.start();
  });
  afterAll(async () => {
    await plane.stop();
  });

  it('is installed as the release before, which does not know all fields yet, and knows some that are gone', async () => {
    const values = ['--set=replicas=0', '--set=watchNamespaces={default}'];
    await run('install', 'sluice', CHART_BEFORE, '--create-namespace', ...values);
    expect(await areDefined()).toBe(false);
    expect(chartsOf(await objects())).toEqual([CHART_NAME_BEFORE]);
    expect(await isThere(roleThere)).toBe(true);
    expect((await client().apply(pathOf(fleet), fleetByTls)).body.message).toContain('tls: field not declared');
    for (const each of [poolBefore, fleetBefore]) expect((await client().apply(pathOf(each), each)).status).toBe(201);
    expect((await live(fleet)).spec.jobDeclaration).toEqual(jobDeclaration);
  });

  it('is upgraded with definitions and rights, leaves nothing of its own behind, and touches no resource', async () => {
    const before = await Promise.all([poolBefore, fleetBefore].map(async (each) => (await live(each)).metadata));
    await run('upgrade', 'sluice', CHART, '--reset-then-reuse-values', '--set-json=watchNamespaces=[]');
    expect(await areDefined()).toBe(true);
    const left = await objects();
    expect(chartsOf(left)).toEqual([`${chart}-${version}`]);
    const manifest = parseAllDocuments(await run('get', 'manifest', 'sluice')).map((each) => each.toJS());
    expect(left.map(nameOf).sort()).toEqual(manifest.map(nameOf).sort());
    expect(await isThere(roleThere)).toBe(false);
    const { everywhere, children } = operatorRules;
    expect((await client().get(role)).body.rules).toEqual([...everywhere, ...children]);
    const after = await Promise.all([poolBefore, fleetBefore].map(async (each) => (await live(each)).metadata));
    expect(after).toEqual(before);
  });

  it('cuts off what it does not know any more, and takes the resources without it', async () => {
    expect((await live(fleet)).spec).not.toHaveProperty('jobDeclaration');
    expect((await client().apply(pathOf(fleet), fleetBefore)).body.message).toContain(
      'jobDeclaration: field not declared',
    );
    // Somebody who says nothing of the field.
    await plane.kubectl('annotate', 'proxyfleet', fleet.metadata.name, 'example.com/touched=1');
    for (const each of [poolBefore, fleet, fleetByTls])
      expect((await client().apply(pathOf(each), each)).status).toBe(200);
    const { metadata, spec } = await live(fleet);
    expect(spec.proxies.listeners[1].tls).toEqual(tls);
    expect(JSON.stringify(metadata.managedFields)).not.toContain('jobDeclaration');
  });

  it('goes back, and the resources stay', async () => {
    const { uid } = (await live(fleet)).metadata;
    await run('rollback', 'sluice');
    expect(await areDefined()).toBe(false);
    expect(await isThere(roleThere)).toBe(true);
    const { metadata, spec } = await live(fleet);
    expect([metadata.uid, spec.proxies.listeners[1].tls]).toEqual([uid, undefined]);
  });

  it('leaves definitions and resources when it is uninstalled, to a release that takes them over', async () => {
    await run('uninstall', 'sluice', '--no-hooks');
    expect(await isThere(role)).toBe(false);
    expect(await isThere(pathOf(fleet))).toBe(true);
    await expect(run('install', 'other', CHART, '--set=replicas=0')).rejects.toThrow('invalid ownership metadata');
    const owner = ['meta.helm.sh/release-name=other', `meta.helm.sh/release-namespace=${namespace}`];
    const names = definitions.map(({ metadata }) => metadata.name);
    await plane.kubectl('annotate', '--overwrite', 'customresourcedefinitions', ...names, ...owner);
    await run('install', 'other', CHART, '--set=replicas=0');
    expect(await areDefined()).toBe(true);
    expect(await isThere(pathOf(fleet))).toBe(true);
  });
});
