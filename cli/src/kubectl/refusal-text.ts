// What the API server refuses, in words for whoever asked.
import { KubernetesError } from '@sluice/operator/kubernetes/errors';

/** As RBAC says it. */
const FORBIDDEN =
  /User "([^"]+)" cannot (\w+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/;

/** As API servers say it, or the mux in them, where no definition of the kind is. */
const UNKNOWN_KIND =
  /\/mining\.sluice\.dev\/.*: (?:the server could not find the requested resource|404 page not found)/;

/** Undefined for errors that say it well themselves. */
export function refusalText(error: unknown): string | undefined {
  if (!(error instanceof KubernetesError)) return undefined;
  if (error.code === 'api-forbidden') {
    const [, user, verb, resource, group, namespace] = FORBIDDEN.exec(error.message) ?? [];
    if (user === undefined)
      return error.status === 401
        ? 'the API server does not know who asks: its token or certificate is refused'
        : undefined;
    const kind = group === '' ? resource : `${resource}.${group}`;
    return `not permitted: ${user} lacks the verb ${verb} on ${kind}${namespace === undefined ? '' : ` in namespace ${namespace}`}`;
  }
  // Of one object that is gone it says which.
  if (error.code === 'api-not-found' && UNKNOWN_KIND.test(error.message))
    return 'this cluster does not know MiningPools and ProxyFleets: the chart is not installed';
  return undefined;
}
