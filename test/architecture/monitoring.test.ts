// Dashboards, alerts and runbooks against the tables of metrics: nothing that is measured is shown nowhere, and nothing is asked for that nobody
// measures.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { queriesOf, targetLabels } from '../../scripts/dashboards/query.ts';
import { allMetrics, renderDashboards } from '../../scripts/dashboards/render.ts';
import { dashboards } from '../../scripts/dashboards/source.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const alerts: readonly Alert[] = parse(read('charts/sluice/alerts/rules.yaml')).groups.flatMap(
  ({ rules }: { rules: readonly Alert[] }) => rules,
);
const metrics = await allMetrics();

/** The series of a histogram have names of their own. */
const metricOf = (name: string) => metrics.get(name.replace(/_bucket$/, ''));

it('shows every metric on a dashboard', () => {
  const lines = dashboards().flatMap(({ rows }) => rows.flatMap(({ panels }) => panels.flatMap(({ show }) => show)));
  const shown = new Set(lines.flatMap((line) => queriesOf(line, '', metrics).flatMap((query) => query.metrics)));
  const measured = [...metrics.keys()].filter((name) => !/^(process|nodejs)_/.test(name));
  expect(measured.length).toBeGreaterThan(150);
  expect(
    measured.filter((name) => !shown.has(name)),
    'add a panel in charts/dashboards',
  ).toEqual([]);
});

it.each([
  ['sluice_gateway_unknown', 'no metric sluice_gateway_unknown'],
  ['promql sum(sluice_gateway_unknown)', 'no metric sluice_gateway_unknown'],
  ['sluice_gateway_channels by code', 'no label in: sluice_gateway_channels by code'],
  ['most sluice_gateway_channels', 'not understood: most sluice_gateway_channels'],
])('has no panel that shows: %s', (line, why) => {
  expect(() => queriesOf(line, '', metrics)).toThrow(why);
});

it('has dashboards that Grafana knows apart, with each panel in a place of its own', async () => {
  const made = Object.values(await renderDashboards()).map((text) => JSON.parse(text));
  expect(new Set(made.map(({ uid }) => uid)).size).toBe(made.length);
  for (const { panels, templating } of made) {
    const [, ...choices] = templating.list;
    for (const { query } of choices) expect([...metrics.keys()]).toContain(/^label_values\((\w+)/.exec(query)?.[1]);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }: { gridPos: Record<'x' | 'y' | 'w' | 'h', number> }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  }
});

it.each(alerts)('$alert asks for what there is', ({ expr }) => {
  const selectors = [...expr.matchAll(/\b([a-z]\w*_\w+|up)\b(?:\{([^}]*)\})?(?!\s*\()/g)].filter(
    ([, name = '']) => !(targetLabels as readonly string[]).includes(name) && !/^histogram_quantile$/.test(name),
  );
  expect(selectors.length).toBeGreaterThan(0);
  const known = new Set<string>([...targetLabels, 'le']);
  for (const [, name = '', matchers = ''] of selectors) {
    const metric = name === 'up' ? { labels: [] } : metricOf(name);
    expect(metric, name).toBeDefined();
    for (const label of metric?.labels ?? []) known.add(label);
    for (const [, label = ''] of matchers.matchAll(/(\w+)[=!]/g))
      expect([...targetLabels, ...(metric?.labels ?? [])], `${name}{${label}}`).toContain(label);
  }
  for (const [, labels = ''] of expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g))
    for (const label of labels.split(', ')) expect(known).toContain(label);
});

it('has a runbook for every alert, and no other one', () => {
  const runbooks = read('docs/operations/runbooks.md');
  const headings = [...runbooks.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
  expect(headings).toEqual(alerts.map(({ alert }) => alert));
  for (const { alert, annotations, labels } of alerts) {
    expect(annotations.runbook_url).toBe(`docs/operations/runbooks.md#${alert.toLowerCase()}`);
    expect(annotations.summary).toBeTruthy();
    expect(annotations.description).toBeTruthy();
    expect(['warning', 'critical']).toContain(labels.severity);
  }
});
