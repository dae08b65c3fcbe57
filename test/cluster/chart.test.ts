// The chart as text: what it is made into, and what it refuses to be made of.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { CHART, helm } from '../support/kubernetes/helm.ts';
import { operatorRules } from '../support/kubernetes/operator-account.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules: readonly object[];
}

const kubeconfig = inject('kubeconfig');
const target = ['--namespace=sluice-system', '--kube-version=1.34.0'];
const template = (...values: readonly string[]) =>
  helm(kubeconfig, 'template', 'sluice', CHART, ...target, ...values.map((value) => `--set=${value}`));
const everything = [
  ...['crds.install=false', 'metrics.serviceMonitor.enabled=true', 'metrics.serviceMonitor.labels.team=pool'],
  ...['natsImage=registry.example/nats:2', 'bitcoindImage=registry.example/bitcoin:1', 'metrics.namespace=prometheus'],
  ...['watchNamespaces={mining,farm}', 'image.pullSecrets[0].name=registry', 'priorityClassName=high'],
  ...['nodeSelector.tier=infra', 'tolerations[0].key=tier', 'tolerations[0].operator=Exists'],
];

it('has nothing that Helm warns of', async () => {
  expect(await helm(kubeconfig, 'lint', '--strict', CHART)).toContain('0 chart(s) failed');
});

it.each([
  ['golden/defaults.yaml', ['crds.install=false']],
  ['golden/everything.yaml', everything],
])('becomes %s', async (file, values) => {
  await expect(await template(...values)).toMatchFileSnapshot(join(import.meta.dirname, file));
});

it.each([
  ['unknown=1', "additional properties 'unknown' not allowed"],
  ['replicas=many', "at '/replicas': got string"],
  ['image.digest=latest', "at '/image/digest': 'latest' does not match pattern"],
  ['natsImage=nats', "at '/natsImage': 'nats' does not match pattern"],
  ['watchNamespaces={Mining}', "at '/watchNamespaces/0': 'Mining' does not match pattern"],
])('refuses %s', async (value, why) => {
  await expect(template(value)).rejects.toThrow(why);
});

it('has the dashboards for Grafana and the alerts for Prometheus, as they were made', async () => {
  const enabled = ['metrics.dashboards.enabled=true', 'metrics.prometheusRule.enabled=true'];
  const values = [...enabled, 'metrics.prometheusRule.labels.team=pool'];
  const documents = parseAllDocuments(await template('crds.install=false', ...values)).map((each) => each.toJS());
  const folder = join(CHART, 'dashboards');
  const files = readdirSync(folder).sort();
  const maps = documents.filter(({ metadata }) => metadata.labels?.grafana_dashboard === '1');
  expect(maps.map(({ data }) => data)).toEqual(
    files.map((file) => ({ [`sluice-${file}`]: readFileSync(join(folder, file), 'utf8') })),
  );
  const rules = documents.find(({ kind }) => kind === 'PrometheusRule');
  expect(rules.metadata).toMatchObject({ name: 'sluice-operator', labels: { team: 'pool' } });
  expect(rules.spec).toEqual(parse(readFileSync(join(CHART, 'alerts/rules.yaml'), 'utf8')));
});

it('watches the operator by the name that it has', async () => {
  const values = ['metrics.prometheusRule.enabled=true', 'metrics.prometheusRule.runbooks=https://wiki.example/alerts'];
  const settings = values.map((value) => `--set=${value}`);
  const text = await helm(kubeconfig, 'template', 'other', CHART, ...target, ...settings);
  const rules = parseAllDocuments(text)
    .map((each) => each.toJS())
    .find(({ kind }) => kind === 'PrometheusRule');
  const written = JSON.stringify(rules.spec);
  expect(written).toContain('leader_election_master_status{job=\\"other-operator\\"}');
  expect(written).toContain('https://wiki.example/alerts#sluicegatewaydown');
  expect(written).not.toContain('sluice-operator');
});

it('asks nothing before an uninstall that is forced', async () => {
  expect(await template()).toContain('helm.sh/hook: pre-delete');
  expect(await template('uninstall.force=true')).not.toContain('helm.sh/hook: pre-delete');
});

it('lets the operator do what it is tested with and nothing else, wherever it acts', async () => {
  const roles = async (...values: readonly string[]) => {
    const documents = parseAllDocuments(await template('crds.install=false', ...values)).map((each) => each.toJS());
    const ofOperator: readonly Role[] = documents.filter(
      ({ kind, metadata }) => /^(Cluster)?Role$/.test(kind) && !metadata.name.endsWith('-test'),
    );
    return ofOperator.map(({ kind, metadata, rules }) => ({ where: metadata.namespace ?? kind, rules }));
  };
  const { everywhere, children, ownNamespace } = operatorRules;
  const own = { where: 'sluice-system', rules: ownNamespace };
  expect(await roles()).toEqual([{ where: 'ClusterRole', rules: [...everywhere, ...children] }, own]);
  expect(await roles('watchNamespaces={mining}')).toEqual([
    { where: 'ClusterRole', rules: everywhere },
    own,
    { where: 'mining', rules: children },
  ]);
});

it('takes what the definitions are from the place where they are made', async () => {
  const definitions = parseAllDocuments(await template('crds.install=true'))
    .map((each) => each.toJS())
    .filter(({ kind }) => kind === 'CustomResourceDefinition');
  expect(definitions.map(({ metadata }) => metadata)).toEqual(
    ['miningpools', 'proxyfleets'].map((name) => ({
      name: `${name}.mining.sluice.dev`,
      annotations: { 'helm.sh/resource-policy': 'keep' },
    })),
  );
});
