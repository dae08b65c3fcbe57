// What a line of a panel asks Prometheus: `[WORD] METRIC [by LABEL]`, or `promql EXPRESSION` without any selector. Without a word a counter is shown
// by second, a gauge as the sum of all pods, and a histogram by its median and its 99th percentile.
import type { MetricTable } from '@sluice/runtime/metrics';

type Kind = MetricTable[string]['kind'];

export interface Metric {
  readonly kind: Kind;
  readonly help: string;
  /** Its own; what Prometheus adds is in `targetLabels`. */
  readonly labels: readonly string[];
}

/** Those of the process that a series is of, as the operator's PodMonitors and the chart's ServiceMonitor make them. */
export const targetLabels = ['namespace', 'app_kubernetes_io_instance', 'job', 'pod'] as const;

export interface Query {
  readonly expr: string;
  readonly legend: string;
  /** The metrics that are shown. */
  readonly metrics: readonly string[];
  /** Of Grafana's; from the end of the name. */
  readonly unit: string;
}

const line = /^(?:(?<word>max|min|hourly|left) )?(?<metric>[a-z]\w*)(?: by (?<label>\w+))?$/;
const RAW = 'promql ';

/** @throws Error for a line that is none, and for a metric or a label that nobody has */
export function queriesOf(text: string, selector: string, metrics: ReadonlyMap<string, Metric>): readonly Query[] {
  const metric = (name: string): Metric => {
    const found = metrics.get(name);
    if (found === undefined) throw new Error(`no metric ${name}`);
    return found;
  };
  if (text.startsWith(RAW)) return [rawQuery(text.slice(RAW.length), selector, metrics)];
  const { word, metric: name, label } = line.exec(text)?.groups ?? {};
  if (name === undefined) throw new Error(`not understood: ${text}`);
  const by = label === undefined ? '' : ` by (${label})`;
  const query = (expr: string, unit = unitOf(name), suffix = '') => ({
    ...{ expr, unit, metrics: [name] },
    legend: label === undefined ? `${shortName(name)}${suffix}` : `{{${label}}}${suffix}`,
  });
  const selected = `${name}{${selector}}`;
  const { kind, labels } = metric(name);
  if (label !== undefined && ![...labels, ...targetLabels].includes(label)) throw new Error(`no label in: ${text}`);
  if (word === 'hourly') return [query(`sum${by} (increase(${selected}[1h]))`, 'short')];
  if (word === 'left') return [query(`min${by} (${selected}) - time()`, 's')];
  if (word !== undefined) return [query(`${word}${by} (${selected})`)];
  if (kind === 'counter') return [query(`sum${by} (rate(${selected}[$__rate_interval]))`)];
  if (kind === 'gauge') return [query(`sum${by} (${selected})`)];
  const groups = label === undefined ? 'le' : `le, ${label}`;
  return [0.5, 0.99].map((part) =>
    query(
      `histogram_quantile(${part}, sum by (${groups}) (rate(${name}_bucket{${selector}}[$__rate_interval])))`,
      unitOf(name),
      ` p${part * 100}`,
    ),
  );
}

/** Every metric of the expression gets the selector. */
function rawQuery(expression: string, selector: string, metrics: ReadonlyMap<string, Metric>): Query {
  const names = [...new Set(expression.match(/\bsluice_\w+/g) ?? [])];
  const unknown = names.find((name) => !metrics.has(name));
  if (unknown !== undefined) throw new Error(`no metric ${unknown}`);
  const legend = `{{${/by \((\w+)\)/.exec(expression)?.[1] ?? ''}}}`;
  return { expr: expression.replaceAll(/\bsluice_\w+/g, `$&{${selector}}`), legend, metrics: names, unit: 'short' };
}

/** The name without whose it is, and without its unit. */
const shortName = (name: string) =>
  name
    .replace(/^(sluice_(gateway|proxy(_sv[12])?|share_validator|channel_manager|job_distributor)|process)_/, '')
    .replace(/^sluice_(template_(provider|distribution)|operator|bus)_/, '')
    .replace(/_(seconds_)?total$|_(seconds|bytes)$/, '')
    .replaceAll('_', ' ');

function unitOf(name: string): string {
  if (/_hashrate$|_work_hashes_total$/.test(name)) return 'Hs';
  if (name.endsWith('_bytes')) return 'bytes';
  if (name.endsWith('_seconds')) return 's';
  return name.endsWith('_total') ? 'cps' : 'short';
}
