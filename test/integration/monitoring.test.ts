// The chart's alerts and dashboards in the hands of Prometheus' own checker: each alert is silent while all is well and up when it should be.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { renderDashboards } from '../../scripts/dashboards/render.ts';
import { promtool, whyNoPromtool } from '../support/promtool.ts';

interface Case {
  readonly change: Readonly<Record<string, Value>>;
  readonly within: number;
  readonly with?: readonly string[];
}

/** What a series has, by how much it grows in a minute, or null where it ends. */
type Value = number | `${number}/m` | null;

const root = join(import.meta.dirname, '../..');
const read = (path: string) => parse(readFileSync(join(root, path), 'utf8'));
const rules = join(root, 'charts/sluice/alerts/rules.yaml');
const alerts: readonly string[] = read('charts/sluice/alerts/rules.yaml').groups.flatMap(
  ({ rules: own }: { rules: readonly { alert: string }[] }) => own.map(({ alert }) => alert),
);
const { healthy, cases }: { healthy: Record<string, Value>; cases: Record<string, Case> } = read(
  'test/integration/alerts/cases.yaml',
);
const WELL_MINUTES = 60;

const missing = whyNoPromtool();

describe.skipIf(missing !== undefined)(`monitoring${missing === undefined ? '' : ` (${missing})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-monitoring-'));
  const file = (name: string, content: object) => {
    writeFileSync(join(directory, name), stringify(content));
    return join(directory, name);
  };
  afterAll(() => rmSync(directory, { recursive: true }));

  it('has alerts that Prometheus takes, and a case for each', async () => {
    expect(await promtool('check', 'rules', rules)).toContain(`${alerts.length} rules found`);
    expect(Object.keys(cases)).toEqual(alerts);
  });

  it.each(Object.keys(cases))('%s is up when it should be, and not before', async (name) => {
    const { change, within, with: others = [] } = cases[name] as Case;
    const up = (minutes: number, names: readonly string[]) => ({
      expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
      eval_time: `${minutes}m`,
      exp_samples: names.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
    });
    const series = Object.keys({ ...healthy, ...change }).map((key) => ({
      series: key.replace('{', '{namespace="mining",app_kubernetes_io_instance="main",'),
      values: values(healthy[key] as Value, key in change ? (change[key] as Value) : (healthy[key] as Value)),
    }));
    const test = {
      interval: '1m',
      input_series: series,
      promql_expr_test: [up(WELL_MINUTES - 1, []), up(WELL_MINUTES + within, [name, ...others])],
    };
    const tests = { rule_files: [rules], evaluation_interval: '1m', tests: [test] };
    await promtool('test', 'rules', file(`${name}.yaml`, tests));
  });

  it('has dashboards whose every expression Prometheus takes', async () => {
    const expressions = Object.values(await renderDashboards()).flatMap((text) =>
      JSON.parse(text).panels.flatMap(({ targets = [] }: { targets?: readonly { expr: string }[] }) =>
        targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m')),
      ),
    );
    expect(expressions.length).toBeGreaterThan(200);
    const records = expressions.map((expr, index) => ({ record: `panel:${index}`, expr }));
    await promtool('check', 'rules', file('dashboards.yaml', { groups: [{ name: 'dashboards', rules: records }] }));
  });
});

/** In promtool's words: well for an hour, then as changed for two. */
function values(before: Value, after: Value): string {
  const growth = (value: Value) => (typeof value === 'string' ? Number.parseFloat(value) : 0);
  const last = WELL_MINUTES - 1;
  const begin = typeof before === 'string' ? 0 : Number(before);
  const reached = typeof after === 'string' ? begin + growth(before) * last + growth(after) : Number(after);
  const then = after === null ? '_x120' : `${reached}+${growth(after)}x120`;
  return `${begin}+${growth(before)}x${last} ${then}`;
}
