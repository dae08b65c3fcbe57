// Prometheus metrics, each declared in a table from which docs/reference/metrics.md is made as well. Hot paths count in
// plain numbers of their own; `follow` reads those numbers at a scrape, so that counting a share costs no call.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Values that a label can have: the list of them, or what bounds them, in words. */
export type LabelValues = readonly string[] | string;
export type Labels = Readonly<Record<string, LabelValues>>;

export interface MetricDeclaration<Kind extends 'counter' | 'gauge' | 'histogram', L extends Labels> {
  readonly kind: Kind;
  /** With prefix `sluice_` and the unit: `_seconds`, `_bytes`; counters end in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly labels: L;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

// biome-ignore lint/suspicious/noExplicitAny: a table mixes declarations with labels of any kind
export type MetricTable = Readonly<Record<string, MetricDeclaration<any, any>>>;

type LabelSet<L extends Labels> = {
  readonly [K in keyof L]: L[K] extends readonly (infer V)[] ? V : string;
};

export interface CounterSeries {
  inc(by?: number): void;
  /** At each scrape the series takes the value of `total`, which must never fall. */
  follow(total: () => number): void;
}

export interface GaugeSeries {
  set(value: number): void;
  /** At each scrape the series takes this value. */
  follow(value: () => number): void;
}

export interface HistogramSeries {
  observe(value: number): void;
}

interface SeriesOf {
  counter: CounterSeries;
  gauge: GaugeSeries;
  histogram: HistogramSeries;
}

/** A declared metric: the series itself, or with labels the way to each of its series. */
export type Metric<Kind extends keyof SeriesOf, L extends Labels> = keyof L extends never
  ? SeriesOf[Kind]
  : { with(labels: LabelSet<L>): SeriesOf[Kind] };

export type MetricsOf<T extends MetricTable> = {
  readonly [K in keyof T]: T[K] extends MetricDeclaration<infer Kind, infer L> ? Metric<Kind, L> : never;
};

const noLabels = {} as const;
type NoLabels = typeof noLabels;

export function counter(name: string, help: string): MetricDeclaration<'counter', NoLabels>;
export function counter<const L extends Labels>(name: string, help: string, labels: L): MetricDeclaration<'counter', L>;
export function counter(name: string, help: string, labels: Labels = noLabels): MetricDeclaration<'counter', Labels> {
  return { kind: 'counter', name, help, labels };
}

export function gauge(name: string, help: string): MetricDeclaration<'gauge', NoLabels>;
export function gauge<const L extends Labels>(name: string, help: string, labels: L): MetricDeclaration<'gauge', L>;
export function gauge(name: string, help: string, labels: Labels = noLabels): MetricDeclaration<'gauge', Labels> {
  return { kind: 'gauge', name, help, labels };
}

export function histogram(
  name: string,
  help: string,
  buckets: readonly number[],
): MetricDeclaration<'histogram', NoLabels>;
export function histogram<const L extends Labels>(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: L,
): MetricDeclaration<'histogram', L>;
export function histogram(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: Labels = noLabels,
): MetricDeclaration<'histogram', Labels> {
  return { kind: 'histogram', name, help, buckets, labels };
}

/** Names a table; only checks that it is well formed. */
export function defineMetrics<const T extends MetricTable>(table: T): T {
  for (const { name } of Object.values(table)) {
    if (!name.startsWith('sluice_')) throw new Error(`metric ${name}: names start with sluice_`);
  }
  return defineKnownMetrics(table);
}

/** Names a table of metrics that everybody's dashboards know by another project's names. */
export function defineKnownMetrics<const T extends MetricTable>(table: T): T {
  for (const { name, kind } of Object.values(table)) {
    const wellFormed = /^[a-z][a-z0-9_]*$/.test(name) && (kind === 'counter') === name.endsWith('_total');
    if (!wellFormed) throw new Error(`metric ${name}: small letters, and counters alone end in _total`);
  }
  return table;
}

/** One series of a metric and its value. */
export interface MetricSeries {
  readonly labels: LabelRecord;
  readonly value: number;
}

/** The library would wake an idle process for it again and again: event-loop-lag.ts measures the lag instead. */
const NO_LAG_OF_THE_LIBRARY_MS = 2 ** 31 - 1;

/** Of the library's metrics those that are left out: what this workspace measures itself, and what lists every socket for a number that nobody asks for. */
const LEFT_OUT = /^(nodejs_eventloop_lag_|nodejs_active_|process_open_fds$)/;

/** The metrics of one process. */
export class MetricsRegistry {
  readonly #registry = new Registry();
  readonly #followers: (() => void)[] = [];
  readonly #windows: (() => void)[] = [];
  readonly contentType = this.#registry.contentType;

  /** Adds prom-client's process metrics: CPU, memory, garbage collection. */
  addProcessMetrics(): void {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: NO_LAG_OF_THE_LIBRARY_MS });
    for (const { name } of this.#registry.getMetricsAsArray())
      if (LEFT_OUT.test(name)) this.#registry.removeSingleMetric(name);
  }

  /** Called at the beginning of each scrape, and whenever somebody looks at a series. */
  beforeScrape(read: () => void): void {
    this.#followers.push(read);
  }

  /** Called when a scrape has read: what is told since the scrape before begins anew. */
  onScraped(begin: () => void): void {
    this.#windows.push(begin);
  }

  /** The exposition text. */
  scrape(): Promise<string> {
    for (const read of this.#followers) read();
    for (const begin of this.#windows) begin();
    return this.#registry.metrics();
  }

  /** The present series of one metric, for who shows them in this process; none when there is no such metric. */
  async series(name: string): Promise<readonly MetricSeries[]> {
    for (const read of this.#followers) read();
    const metric = await this.#registry.getSingleMetric(name)?.get();
    return metric?.values.map(({ labels, value }) => ({ labels: labels as LabelRecord, value })) ?? [];
  }

  /** @internal where `createMetrics` registers. */
  get prometheus(): Registry {
    return this.#registry;
  }
}

/** Registers every metric of the table; a name that is registered already throws. */
export function createMetrics<const T extends MetricTable>(registry: MetricsRegistry, table: T): MetricsOf<T> {
  const metrics: Record<string, unknown> = {};
  for (const [key, declaration] of Object.entries(table)) {
    const labelNames = Object.keys(declaration.labels);
    const series = seriesOf(registry, declaration, labelNames);
    metrics[key] = labelNames.length === 0 ? series({}) : { with: series };
  }
  return metrics as MetricsOf<T>;
}

type AnyDeclaration = MetricTable[string];
type LabelRecord = Readonly<Record<string, string>>;

function seriesOf(
  registry: MetricsRegistry,
  { kind, name, help, buckets }: AnyDeclaration,
  labelNames: string[],
): (labels: LabelRecord) => SeriesOf[keyof SeriesOf] {
  const options = { name, help, labelNames, registers: [registry.prometheus] };
  switch (kind as keyof SeriesOf) {
    case 'counter': {
      const metric = new Counter(options);
      return (labels) => counterSeries(registry, metric.labels(labels));
    }
    case 'gauge': {
      const metric = new Gauge(options);
      return (labels) => {
        const child = metric.labels(labels);
        return {
          set: (value) => child.set(value),
          follow: (value) => registry.beforeScrape(() => child.set(value())),
        };
      };
    }
    case 'histogram': {
      const metric = new Histogram({ ...options, ...(buckets === undefined ? {} : { buckets: [...buckets] }) });
      return (labels) => {
        const child = metric.labels(labels);
        return { observe: (value) => child.observe(value) };
      };
    }
  }
}

function counterSeries(registry: MetricsRegistry, child: Counter.Internal): CounterSeries {
  child.inc(0);
  return {
    inc: (by = 1) => child.inc(by),
    follow(total) {
      let last = 0;
      registry.beforeScrape(() => {
        const now = total();
        child.inc(Math.max(0, now - last));
        last = now;
      });
    },
  };
}
