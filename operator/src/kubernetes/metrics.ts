import { counter, defineKnownMetrics, defineMetrics, gauge } from '@sluice/runtime/metrics';

/** Why a list and watch began anew. */
export const restartReasons = ['ended', 'silent', 'expired', 'refused', 'broken'] as const;
export type RestartReason = (typeof restartReasons)[number];

const plural = 'a plural of those that the operator watches';

export const informerMetrics = defineMetrics({
  restarts: counter(
    'sluice_operator_watch_restarts_total',
    'Watches that began again: because the API server ended them, they were silent, their version was too old, it refused, or the connection broke',
    { resource: plural, reason: restartReasons },
  ),
  lists: counter('sluice_operator_lists_total', 'Whole lists taken from the API server', { resource: plural }),
  objects: gauge('sluice_operator_cached_objects', 'Objects in the cache', { resource: plural }),
});

/** Under client-go's name, so that dashboards of other operators show it. */
export const requestMetrics = defineKnownMetrics({
  requests: counter('rest_client_requests_total', 'Requests to the API server', {
    code: 'the status of HTTP, or <error> without an answer',
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  }),
});
