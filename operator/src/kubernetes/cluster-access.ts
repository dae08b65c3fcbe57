// How the Kubernetes API is reached: as the pod of the operator is told, or as a kubeconfig says, in the ways that kubectl knows. Reading that
// and proving who asks is @kubernetes/client-node's; here is what it lets pass, or leaves out.
import { readFileSync } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import { dirname, join, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { messageOf } from '@sluice/runtime/errors';
import { parse } from 'yaml';
import { KubernetesError } from './errors.ts';

/** What a request proves by who sends it, and that it reaches whom it is meant for. */
export interface Credentials extends RequestOptions {
  readonly headers: OutgoingHttpHeaders;
}

export interface ClusterAccess {
  /** `https://HOST:PORT`, without a slash at the end. */
  readonly url: string;
  /**
   * Asked for at each request: the kubelet exchanges a pod's token within the hour, and programs hand out what holds for minutes.
   * @throws KubernetesError `access-unusable`
   */
  credentials(): Promise<Credentials>;
}

export interface ContextAccess extends ClusterAccess {
  /** That one means where one names none. */
  readonly namespace: string;
}

/** Where a pod finds its account. */
const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Of the process's own pod. @param root of its files @throws KubernetesError `access-unusable` outside of a cluster */
export function inClusterAccess(root = ''): ClusterAccess {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (!host || !port) throw unusable('this is no pod of Kubernetes, and no kubeconfig is named');
  const config = new KubeConfig();
  config.loadFromCluster(root);
  return accessOf(config, 'the account of the pod');
}

/** The namespace of the process's own pod. @throws KubernetesError `access-unusable` outside of a cluster */
export const inClusterNamespace = (root = ''): string => read(join(root, SERVICE_ACCOUNT_FOLDER, 'namespace')).trim();

/** Of a context of a kubeconfig, by default its current one. @throws KubernetesError `access-unusable`, which names the file */
export function kubeconfigAccess(file: string, context?: string): ContextAccess {
  const folder = dirname(file);
  const config = new KubeConfig();
  try {
    const kubeconfig = withTokenFiles(parse(read(file)) ?? {}, folder);
    // What is wrong with a cluster, context or user that is not the current one is nobody's business.
    config.loadFromString(JSON.stringify(kubeconfig), { onInvalidEntry: 'filter' });
  } catch (error) {
    throw error instanceof KubernetesError ? error : unusable(`${file} is no kubeconfig: ${messageOf(error)}`);
  }
  config.makePathsAbsolute(folder);
  if (context !== undefined) config.setCurrentContext(context);
  const { namespace = 'default' } = config.getContextObject(config.getCurrentContext()) ?? {};
  return { ...accessOf(config, context === undefined ? file : `${file}, context ${context}`), namespace };
}

interface Kubeconfig {
  readonly users?: readonly { readonly user?: { readonly tokenFile?: string; readonly token?: string } }[];
}

/** The library knows a `tokenFile` as its own provider of tokens alone, which reads it again each minute. */
function withTokenFiles(kubeconfig: Kubeconfig, folder: string): object {
  const users = kubeconfig.users?.map((entry) => {
    if (entry.user?.tokenFile === undefined) return entry;
    const { tokenFile, token: _, ...user } = entry.user;
    const provider = { name: 'tokenFile', config: { tokenFile: resolve(folder, tokenFile) } };
    return { ...entry, user: { ...user, 'auth-provider': provider } };
  });
  return { ...kubeconfig, users };
}

/** @param from what it was read from, for errors */
function accessOf(config: KubeConfig, from: string): ClusterAccess {
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
  if (cluster === null || user === null) throw unusable(`${from} has no current context that is whole`);
  const { server: url, skipTLSVerify, caFile } = cluster;
  if (!url.startsWith('https://')) throw unusable(`${from}: the server is no https:// URL`);
  if (skipTLSVerify) throw unusable(`${from}: insecure-skip-tls-verify is not done`);
  const { token, authProvider, exec, certData, certFile, keyFile, username } = user;
  if (!(token || authProvider || exec || certData || certFile || username))
    throw unusable(`${from}: the user has no token, certificate or program that hands them out`);
  // They are read again at each request; what is not there is told at the start.
  for (const file of [caFile, certFile, keyFile, authProvider?.config?.tokenFile]) if (file) read(file);

  let finding: Promise<Credentials> | undefined;
  return {
    url,
    // All informers begin at once: a program that hands out credentials is run once for all of them.
    credentials() {
      finding ??= credentialsOf(config, from).finally(() => {
        finding = undefined;
      });
      return finding;
    },
  };
}

async function credentialsOf(config: KubeConfig, from: string): Promise<Credentials> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    throw unusable(`${from} gives no credentials: ${messageOf(error)}`);
  }
  const { agent, headers, ...others } = options;
  const { Authorization: authorization, ...impersonation } = headers as OutgoingHttpHeaders;
  return {
    ...others,
    // It keeps no connection: only for the way through a proxy.
    ...(config.getCurrentCluster()?.proxyUrl && { agent }),
    // Of a file, the end of its line too.
    headers: { ...impersonation, ...(authorization && { authorization: String(authorization).trim() }) },
  };
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
