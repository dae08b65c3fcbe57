// Pictures of a run: how latencies are distributed, and shares over time.
import { type Axis, type Line, renderPlot } from '../../../packages/mining/simulation/svg-plot.ts';
import type { LatencyHistogram } from '../measure/latency-histogram.ts';
import type { RunResult } from '../results.ts';
import { linear } from './linear-axis.ts';

const COLOURS = { first: '#2f6fb0', second: '#c8641e' } as const;
const SIZE = { columns: 1, panelWidth: 720, panelHeight: 320 } as const;
const PARTS = [0, 0.25, 0.5, 0.75, 0.9, 1];

/** SVG by file name; none of what did not happen. */
export function plotsOf({ config, open, reopen, shares, tips }: RunResult): ReadonlyMap<string, string> {
  const plots = new Map<string, string>();
  const add = (file: string, title: string, histogram: LatencyHistogram | undefined) => {
    if (histogram !== undefined && histogram.count > 0)
      plots.set(file, distribution(`${config.name}: ${title}`, histogram));
  };
  add('open.svg', 'connections opened', (reopen ?? open).phases.open);
  add('share-latency.svg', 'share to acknowledgement', shares?.latency);
  add('tips.svg', 'new tip to connections told', tips?.fromZero);
  if (shares !== undefined && shares.sent.length > 1)
    plots.set('shares.svg', overTime(`${config.name}: shares a second`, shares.sent, shares.acknowledged));
  return plots;
}

function distribution(title: string, histogram: LatencyHistogram): string {
  const points = histogram.distribution().map(([ms, part]) => [Math.max(ms, 0.001), part] as const);
  const quantile = (part: number) => histogram.quantile(part).toFixed(2);
  const text = `p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, max ${histogram.max.toFixed(2)} ms`;
  return renderPlot({
    title,
    legend: [{ colour: COLOURS.first, text }],
    panels: [
      {
        title: 'part of all that took at most so long',
        x: decades(points.at(0)?.[0] ?? 0.1, points.at(-1)?.[0] ?? 1),
        y: { label: 'part', min: 0, max: 1, ticks: PARTS.map((at) => ({ at, text: String(at) })) },
        shades: [],
        lines: [{ colour: COLOURS.first, points }],
      },
    ],
    ...SIZE,
  });
}

function decades(least: number, most: number): Axis {
  const first = Math.floor(Math.log10(least));
  const last = Math.max(first + 1, Math.ceil(Math.log10(most)));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => {
    const at = 10 ** (first + index);
    return { at, text: String(Number(at.toPrecision(1))) };
  });
  return { label: 'ms', min: 10 ** first, max: 10 ** last, log: true, ticks };
}

function overTime(title: string, sent: readonly number[], acknowledged: readonly number[]): string {
  const line = (colour: string, values: readonly number[]): Line => ({
    colour,
    points: values.map((value, second) => [second + 0.5, value] as const),
  });
  const most = Math.max(1, ...sent, ...acknowledged);
  return renderPlot({
    title,
    legend: [
      { colour: COLOURS.first, text: 'sent' },
      { colour: COLOURS.second, text: 'acknowledged' },
    ],
    panels: [
      {
        title: 'in each second of the measured part',
        x: linear('s', sent.length),
        y: linear('shares', most * 1.05),
        shades: [],
        lines: [line(COLOURS.first, sent), line(COLOURS.second, acknowledged)],
      },
    ],
    ...SIZE,
  });
}
