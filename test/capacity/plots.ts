// The pictures of docs/capacity.md.
import { type Axis, renderPlot } from '../../packages/mining/simulation/svg-plot.ts';
import type { LatencyHistogram } from '../load/measure/latency-histogram.ts';
import type { Storm } from './scenarios.ts';
import type { StormResult } from './storm.ts';

const SIZE = { columns: 1, panelWidth: 760, panelHeight: 330 } as const;
const PARTS = [0, 0.25, 0.5, 0.75, 0.9, 1];
const TICK_SECONDS = 30;
const COLOURS = { first: '#2f6fb0', second: '#c8641e' } as const;

/** Answers by the size of the pool: median and 99th percentile, ms. */
export interface AckCurve {
  readonly text: string;
  readonly points: readonly { readonly miners: number; readonly p50: number; readonly p99: number }[];
}

export function plotAcks(curves: readonly [AckCurve, AckCurve]): string {
  const colours = [COLOURS.first, COLOURS.second] as const;
  const most = Math.max(...curves.flatMap(({ points }) => points.map(({ p99 }) => p99)));
  return renderPlot({
    title: 'From a share to its acknowledgement: median (full) and 99th percentile (dashed), computed',
    legend: curves.map(({ text }, index) => ({ colour: colours[index]!, text })),
    panels: [
      {
        title: 'one region',
        x: { label: 'million miners', min: 0, max: 1, ticks: ticks(0, 1, 0.25) },
        y: { label: 'ms', min: 0, max: most * 1.05, ticks: ticks(0, most, most > 250 ? 100 : 25) },
        shades: [],
        lines: curves.flatMap(({ points }, index) => [
          { colour: colours[index]!, points: points.map(({ miners, p50 }) => [miners / 1e6, p50] as const) },
          {
            colour: colours[index]!,
            dashed: true,
            points: points.map(({ miners, p99 }) => [miners / 1e6, p99] as const),
          },
        ]),
      },
    ],
    ...SIZE,
  });
}

export function plotTips(tips: readonly { readonly text: string; readonly told: LatencyHistogram }[]): string {
  const colours = [COLOURS.first, COLOURS.second];
  const most = Math.ceil(Math.max(...tips.map(({ told }) => told.max)) / 50) * 50;
  return renderPlot({
    title: "A new tip to a million miners, from the node's announcement, computed",
    legend: tips.map(({ text }, index) => ({ colour: colours[index]!, text })),
    panels: [
      {
        title: 'part of all miners that were told within',
        x: { label: 'ms', min: 0, max: most, ticks: ticks(0, most, 50) },
        y: parts('part'),
        shades: [],
        lines: tips.map(({ told }, index) => ({ colour: colours[index]!, points: told.distribution() })),
      },
    ],
    ...SIZE,
  });
}

export function plotStorms(runs: readonly { readonly storm: Storm; readonly result: StormResult }[]): string {
  const drawn = runs.flatMap(({ storm, result }) =>
    storm.colour === undefined ? [] : [{ ...storm, colour: storm.colour, result }],
  );
  const allBack = ({ mining }: StormResult) => {
    const second = mining.indexOf(1);
    return second === -1 ? mining.length - 1 : second;
  };
  const most = Math.ceil(Math.max(...drawn.map(({ result }) => allBack(result))) / TICK_SECONDS) * TICK_SECONDS;
  return renderPlot({
    title: 'A zone of three is lost, with a third of a million miners, computed',
    legend: drawn.map(({ name, colour }) => ({ colour, text: name })),
    panels: [
      {
        title: 'part of its miners that mine again',
        x: { label: 's after the loss', min: 0, max: most, ticks: ticks(0, most, TICK_SECONDS) },
        y: parts('part'),
        shades: [],
        lines: drawn.map(({ colour, result }) => ({
          colour,
          points: result.mining.map((part, second) => [second, part] as const),
        })),
      },
    ],
    ...SIZE,
    // Its legend is the widest.
    panelWidth: 1_150,
  });
}

function parts(label: string): Axis {
  return { label, min: 0, max: 1, ticks: PARTS.map((at) => ({ at, text: String(at) })) };
}

function ticks(from: number, to: number, every: number): Axis['ticks'] {
  return Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, index) => {
    const at = from + index * every;
    return { at, text: at.toLocaleString('en') };
  });
}
