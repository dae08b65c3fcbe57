// The operator's account on an API server, with the roles that it needs and no others, and a kubeconfig of its token.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { taken } from './api-client.ts';
import type { ControlPlane } from './control-plane.ts';

const namespace = 'sluice-system';
const account = 'sluice-operator';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** The very rules of the chart. */
const rulesOf = (file: string): readonly Rule[] =>
  parse(readFileSync(join(import.meta.dirname, '../../../charts/sluice/rules', file), 'utf8'));

export const operatorRules = {
  everywhere: rulesOf('everywhere.yaml'),
  children: rulesOf('children.yaml'),
  ownNamespace: rulesOf('own-namespace.yaml'),
};

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
  const made = async (path: string, body: unknown) => taken(await client.post(path, body));
  await made('/api/v1/namespaces', { metadata: { name: namespace } });
  await made(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: account } });
  const group = 'rbac.authorization.k8s.io';
  const bind = async (kind: string, path: string, rules: readonly Rule[]) => {
    await made(`${path}/${kind.toLowerCase()}s`, { metadata: { name: account }, rules });
    await made(`${path}/${kind.toLowerCase()}bindings`, {
      metadata: { name: account },
      roleRef: { apiGroup: group, kind, name: account },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
    });
  };
  await bind('ClusterRole', `/apis/${group}/v1`, [...operatorRules.everywhere, ...operatorRules.children]);
  await bind('Role', `/apis/${group}/v1/namespaces/${namespace}`, operatorRules.ownNamespace);
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const { status } = await made(path, { spec: {} });
  const kubeconfig = join(plane.directory, 'operator.conf');
  const config = parse(readFileSync(plane.kubeconfig, 'utf8'));
  config.clusters[0].cluster.server = url;
  config.users[0].user = { token: status.token };
  writeFileSync(kubeconfig, stringify(config), { mode: 0o600 });
  return { kubeconfig, namespace, user: `system:serviceaccount:${namespace}:${account}` };
}
