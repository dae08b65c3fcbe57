// How the Kubernetes API is reached: as the pod of the operator is told, or as a kubeconfig says.
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '@sluice/runtime/errors';
import { parse } from 'yaml';
import { KubernetesError } from './errors.ts';

export interface ClusterAccess {
  /** `https://HOST:PORT`, without a slash at the end. */
  readonly url: string;
  /** In PEM; without it the authorities that Node knows. */
  readonly certificateAuthority?: string | undefined;
  /** Of a client that proves itself by a certificate, in PEM. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** Asked for at each request, because the kubelet exchanges a pod's token within the hour. */
  token(): string | undefined;
}

/** Where a pod finds its account. */
const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Of the process's own pod. @throws KubernetesError `access-unusable` outside of a cluster */
export function inClusterAccess(
  env: Readonly<Record<string, string | undefined>>,
  folder = SERVICE_ACCOUNT_FOLDER,
): ClusterAccess {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port) throw unusable('this is no pod of Kubernetes, and no kubeconfig is named');
  return {
    url: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    certificateAuthority: read(join(folder, 'ca.crt')),
    token: () => read(join(folder, 'token')).trim(),
  };
}

/** The namespace of the process's own pod. @throws KubernetesError `access-unusable` outside of a cluster */
export const inClusterNamespace = (folder = SERVICE_ACCOUNT_FOLDER): string => read(join(folder, 'namespace')).trim();

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly { readonly name: string; readonly context: Readonly<Record<string, string>> }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster: Readonly<Record<string, unknown>> }[];
  readonly users?: readonly { readonly name: string; readonly user: Readonly<Record<string, unknown>> }[];
}

/**
 * Of the current context of a kubeconfig, by token or by certificate. Programs that hand out credentials are not run.
 * @throws KubernetesError `access-unusable`, which names the file
 */
export function kubeconfigAccess(file: string): ClusterAccess {
  const config: Kubeconfig = parseKubeconfig(file);
  const current = config['current-context'];
  const context = config.contexts?.find(({ name }) => name === current)?.context;
  const cluster = config.clusters?.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users?.find(({ name }) => name === context?.user)?.user;
  if (cluster === undefined || user === undefined) throw unusable(`${file} has no current context that is whole`);
  const url = cluster.server;
  if (typeof url !== 'string' || !url.startsWith('https://')) throw unusable(`${file}: the server is no https:// URL`);
  if (cluster['insecure-skip-tls-verify'] === true) throw unusable(`${file}: insecure-skip-tls-verify is not done`);
  const folder = dirname(file);
  const pem = (from: Readonly<Record<string, unknown>>, name: string) => pemOf(from, name, folder);
  const [certificate, key] = [pem(user, 'client-certificate'), pem(user, 'client-key')];
  const { token, tokenFile } = user;
  if (certificate === undefined && typeof token !== 'string' && typeof tokenFile !== 'string')
    throw unusable(`${file}: the user has neither token, tokenFile nor client-certificate`);
  return {
    url: url.replace(/\/+$/, ''),
    certificateAuthority: pem(cluster, 'certificate-authority'),
    ...{ certificate, key },
    token: () => {
      if (typeof tokenFile === 'string') return read(resolve(folder, tokenFile)).trim();
      return typeof token === 'string' ? token : undefined;
    },
  };
}

function parseKubeconfig(file: string): Kubeconfig {
  const text = read(file);
  try {
    return parse(text) ?? {};
  } catch (error) {
    throw unusable(`${file} is no YAML: ${messageOf(error)}`);
  }
}

/** What stands in the file itself, in base64, or in another file beside it. */
function pemOf(from: Readonly<Record<string, unknown>>, name: string, folder: string): string | undefined {
  const [data, file] = [from[`${name}-data`], from[name]];
  if (typeof data === 'string') return Buffer.from(data, 'base64').toString();
  return typeof file === 'string' ? read(resolve(folder, file)) : undefined;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unusable(`${file} cannot be read: ${messageOf(error)}`);
  }
}

function unusable(why: string): KubernetesError {
  return new KubernetesError('access-unusable', why);
}
