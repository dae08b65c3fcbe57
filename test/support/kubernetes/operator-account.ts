// The operator's account on an API server, with the roles that it needs and no others, and a kubeconfig of its token.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ControlPlane } from './control-plane.ts';

const namespace = 'sluice-system';
const account = 'sluice-operator';

/** By API group, the resources and what may be done with them: the same as the chart says. */
export const operatorRules: readonly (readonly [
  group: string,
  resources: readonly string[],
  verbs: readonly string[],
])[] = [
  ['mining.sluice.dev', ['miningpools', 'proxyfleets'], ['get', 'list', 'watch', 'patch']],
  ['mining.sluice.dev', ['miningpools/status', 'proxyfleets/status'], ['patch']],
  ['mining.sluice.dev', ['miningpools/finalizers', 'proxyfleets/finalizers'], ['update']],
  ['', ['configmaps', 'services'], ['get', 'list', 'watch', 'create', 'patch', 'delete']],
  ['', ['secrets'], ['get', 'create']],
  ['', ['namespaces'], ['get']],
  ['apps', ['deployments', 'replicasets', 'statefulsets'], ['get', 'list', 'watch', 'create', 'patch', 'delete']],
  ['policy', ['poddisruptionbudgets'], ['get', 'list', 'watch', 'create', 'patch', 'delete']],
  ['coordination.k8s.io', ['leases'], ['get', 'create', 'update']],
  ['events.k8s.io', ['events'], ['create', 'patch']],
];

export interface OperatorAccount {
  /** Of the ServiceAccount's own token. */
  readonly kubeconfig: string;
  readonly namespace: string;
  /** As the audit log names it. */
  readonly user: string;
}

/** Makes the account; its token holds for an hour. @param url by which the kubeconfig reaches the API server */
export async function createOperatorAccount(plane: ControlPlane, url = plane.url): Promise<OperatorAccount> {
  const client = plane.client();
  const made = async (path: string, body: unknown): Promise<unknown> => {
    const answer = await client.post(path, body);
    if (answer.status >= 300) throw new Error(`${path}: ${answer.body.message}`);
    return answer.body;
  };
  await made('/api/v1/namespaces', { metadata: { name: namespace } });
  await made(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: account } });
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await made(`${rbac}/clusterroles`, {
    metadata: { name: account },
    rules: operatorRules.map(([group, resources, verbs]) => ({ apiGroups: [group], resources, verbs })),
  });
  await made(`${rbac}/clusterrolebindings`, {
    metadata: { name: account },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: account },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  });
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const { status } = (await made(path, { spec: {} })) as { status: { token: string } };
  const kubeconfig = join(plane.directory, 'operator.conf');
  const config = parse(readFileSync(plane.kubeconfig, 'utf8'));
  config.clusters[0].cluster.server = url;
  config.users[0].user = { token: status.token };
  writeFileSync(kubeconfig, stringify(config), { mode: 0o600 });
  return { kubeconfig, namespace, user: `system:serviceaccount:${namespace}:${account}` };
}
