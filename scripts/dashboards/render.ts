// Grafana's JSON of each dashboard. Where metrics and their help come from the same tables as docs/reference/metrics.md.
import { MetricsRegistry, type MetricTable } from '@sluice/runtime/metrics';
import { declaredTables } from '../docs/declared-tables.ts';
import { type Metric, queriesOf } from './query.ts';
import { type Dashboard, dashboards, type Panel } from './source.ts';

const COLUMNS = 24;
const PANEL = { w: 8, h: 7 };
const STAT = { w: 4, h: 4 };
/** The format of the dashboard, as Grafana 10 and newer read it. */
const SCHEMA_VERSION = 39;

const datasource = { type: 'prometheus', uid: '$datasource' };

/** By what one chooses: its name, the label, and the metric that has all its values. */
const choices = {
  pool: [
    ['namespace', 'namespace', 'sluice_bus_up'],
    ['name', 'app_kubernetes_io_instance', 'sluice_bus_up{namespace=~"$namespace"}'],
  ],
  fleet: [
    ['namespace', 'namespace', 'sluice_proxy_miners'],
    ['name', 'app_kubernetes_io_instance', 'sluice_proxy_miners{namespace=~"$namespace"}'],
  ],
  operator: [['job', 'job', 'sluice_operator_cached_objects']],
} as const;

/** Those of our own tables and of every process, by name. */
export async function allMetrics(): Promise<ReadonlyMap<string, Metric>> {
  const tables = await declaredTables('{packages,services,operator,cli}/{*/src,src}/**/*metrics.ts', /Metrics$/);
  const ours = tables.flatMap(({ table }) => Object.values(table as MetricTable));
  const registry = new MetricsRegistry();
  registry.addProcessMetrics();
  const exposition = await registry.scrape();
  const ofProcess = [...exposition.matchAll(/^# HELP (\w+) (.*)\n# TYPE \w+ (counter|gauge|histogram)$/gm)];
  const all = new Map<string, Metric>();
  for (const { name, kind, help, labels } of ours) all.set(name, { kind, help, labels: Object.keys(labels) });
  for (const [, name = '', help = '', kind] of ofProcess)
    all.set(name, { kind: kind as Metric['kind'], help, labels: [] });
  return all;
}

/** The dashboards by their paths from the root of the repository. */
export async function renderDashboards(): Promise<Readonly<Record<string, string>>> {
  const metrics = await allMetrics();
  return Object.fromEntries(
    dashboards().map((dashboard) => [
      `charts/sluice/dashboards/${dashboard.name}.json`,
      `${JSON.stringify(renderDashboard(dashboard, metrics), null, 1)}\n`,
    ]),
  );
}

function renderDashboard({ name, title, of, rows }: Dashboard, metrics: ReadonlyMap<string, Metric>) {
  const selector = choices[of].map(([variable, label]) => `${label}=~"$${variable}"`).join(', ');
  return {
    uid: `sluice-${name}`,
    title,
    tags: ['sluice'],
    schemaVersion: SCHEMA_VERSION,
    editable: false,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: variables(of) },
    links: [{ type: 'dashboards', tags: ['sluice'], title: 'Sluice', asDropdown: true, keepTime: true }],
    panels: laidOut(rows, (panel) => renderPanel(panel, selector, metrics)),
  };
}

function variables(of: Dashboard['of']) {
  const chosen = choices[of].map(([name, label, metric]) => ({
    ...{ type: 'query', name, datasource, query: `label_values(${metric}, ${label})` },
    ...{ multi: true, includeAll: true, current: { text: ['All'], value: ['$__all'] }, refresh: 2, sort: 1 },
    // A pool that is not in a cluster has no such label at all. Of operators there are others, whose metrics have the same names.
    ...(of === 'operator' ? {} : { allValue: '.*' }),
  }));
  return [{ type: 'datasource', name: 'datasource', query: 'prometheus' }, ...chosen];
}

/** From left to right, and on a new line where there is no room; each with its place and a number. */
function laidOut(rows: Dashboard['rows'], render: (panel: Panel) => object): readonly object[] {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, gridPos: { x: 0, y, w: COLUMNS, h: 1 } });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      const { w, h } = panel.as === 'stat' ? STAT : PANEL;
      if (x + w > COLUMNS) {
        x = 0;
        y += height;
        height = 0;
      }
      panels.push({ id: panels.length + 1, gridPos: { x, y, w, h }, ...render(panel) });
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return panels;
}

function renderPanel({ title, show, as, unit }: Panel, selector: string, metrics: ReadonlyMap<string, Metric>) {
  const queries = show.flatMap((line) => queriesOf(line, selector, metrics));
  const names = [...new Set(queries.flatMap((query) => query.metrics))];
  const legend = { displayMode: 'list', placement: 'bottom', showLegend: true };
  return {
    type: as ?? 'timeseries',
    title,
    description: names.map((name) => `\`${name}\`: ${metrics.get(name)?.help}`).join('\n\n'),
    datasource,
    targets: queries.map(({ expr, legend }, index) => ({
      ...{ refId: String.fromCharCode(65 + index), datasource, expr, legendFormat: legend },
    })),
    fieldConfig: { defaults: { unit: unit ?? queries[0]?.unit }, overrides: [] },
    ...(as === 'stat' ? {} : { options: { legend, tooltip: { mode: 'multi', sort: 'desc' } } }),
  };
}
