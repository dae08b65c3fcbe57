import { defineMetrics, gauge, type MetricsOf } from '@sluice/runtime/metrics';
import type { CustomResource } from '../control/reconciler.ts';
import type { Condition } from './conditions.ts';

/** What conditions say of a resource with which all is well. One of another status, Unknown as well, wants to be looked at. */
const wellWhen = {
  ...{ Ready: 'True', Degraded: 'False', BusReady: 'True', TemplatesFresh: 'True' },
  ...{ KeysValid: 'True', UpstreamAvailable: 'True' },
} as const satisfies Readonly<Record<string, Condition['status']>>;
const types = Object.keys(wellWhen) as readonly (keyof typeof wellWhen)[];

export const statusMetrics = defineMetrics({
  unwell: gauge(
    'sluice_operator_unwell_resources',
    'Resources of which one of their conditions says that not all is well',
    {
      controller: 'the kind that is reconciled, in small letters',
      condition: types,
    },
  ),
});

/** Has the conditions read at a scrape. @param resources of each kind */
export function followConditions(
  metrics: MetricsOf<typeof statusMetrics>,
  resources: ReadonlyMap<string, { values(): Iterable<CustomResource> }>,
): void {
  for (const [kind, cache] of resources)
    for (const condition of types)
      metrics.unwell
        .with({ controller: kind.toLowerCase(), condition })
        .follow(() => [...cache.values()].filter((resource) => isUnwell(resource, condition)).length);
}

const isUnwell = ({ status }: CustomResource, type: keyof typeof wellWhen): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status !== wellWhen[type]) ?? false;
