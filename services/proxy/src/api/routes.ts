// GET /api/v1/…: the proxy's own state, on the health address.
import type { JsonAnswer, JsonRoute, JsonRoutes } from '@sluice/runtime/json-routes';
import { pageOf, readPage } from './page.ts';
import { changeView, clientView, type Shown, totalsView, upstreamView, workerView } from './views.ts';

export const API_PATH = '/api/v1';

export function addApiRoutes(routes: JsonRoutes, shown: Shown): void {
  const { clock, farm, workers, upstreams } = shown;
  const startedMs = clock.monotonic();
  const resources: Readonly<Record<string, JsonRoute>> = {
    totals: () => ok(totalsView(shown, startedMs)),
    clients: (query) => paged(query, 'clients', () => farm.all(), clientView),
    workers: (query) =>
      paged(
        query,
        'workers',
        () => workers.all(),
        (worker) => workerView(worker, clock),
      ),
    upstreams: () =>
      ok({ upstreams: Array.from({ length: upstreams.count }, (_, place) => upstreamView(shown, place)) }),
    history: () => ok({ history: upstreams.history.changes.map((change) => changeView(upstreams, change)) }),
  };
  const paths = Object.keys(resources).map((name) => `${API_PATH}/${name}`);
  routes.add(API_PATH, () => ok({ resources: paths }));
  for (const [name, route] of Object.entries(resources)) routes.add(`${API_PATH}/${name}`, route);
}

function paged<Item extends { readonly id: number }>(
  query: URLSearchParams,
  name: string,
  all: () => Iterable<Item>,
  view: (item: Item) => object,
): JsonAnswer {
  const page = readPage(query);
  if (typeof page === 'string') return { status: 400, body: { error: page } };
  const { items, next } = pageOf(all(), page);
  return ok({ [name]: items.map(view), next_cursor: next });
}

function ok(body: object): JsonAnswer {
  return { status: 200, body };
}
