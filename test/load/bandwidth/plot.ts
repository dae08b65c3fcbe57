// The bytes of a miner's hour as stacked bars.
import { renderPlot, type Shade } from '../../../packages/mining/simulation/svg-plot.ts';
import type { ArmFigures } from './figures.ts';
import type { HourRow } from './hour-ledger.ts';
import { titleOf } from './section.ts';

const KB = 1_000;
const BAR = 0.7;
const SIZE = { columns: 1, panelWidth: 900, panelHeight: 380 } as const;

const groups: readonly { readonly text: string; readonly colour: string; readonly holds: RegExp }[] = [
  { text: 'shares', colour: '#2f6fb0', holds: /^(mining\.submit|SubmitShares(Standard|Extended))$/ },
  { text: 'answers to shares', colour: '#8ab8dd', holds: /^(answer to mining\.submit|SubmitShares\.(Success|Error))$/ },
  { text: 'jobs and tips', colour: '#c8641e', holds: /job|notify|NewPrevHash|Job/ },
  { text: 'all else', colour: '#8a8a8a', holds: /./ },
];

export function plotOf(figures: readonly ArmFigures[], miners: number): string {
  const most = Math.max(...figures.map(({ all }) => all)) / miners / KB;
  return renderPlot({
    title: 'TCP payload of one miner in an hour, both directions',
    legend: groups.map(({ text, colour }) => ({ colour, text })),
    panels: [
      {
        title: 'kB',
        x: {
          ...{ label: '', min: 0, max: figures.length },
          ticks: figures.map(({ arm, all }, index) => ({
            at: index + 0.5,
            text: `${titleOf(arm.name)}: ${(all / miners / KB).toPrecision(3)}`,
          })),
        },
        y: { label: 'kB', min: 0, max: most * 1.05, ticks: ticksUpTo(most) },
        shades: figures.flatMap(({ rows }, index) => stacked(rows, index, miners)),
        lines: [],
      },
    ],
    ...SIZE,
  });
}

function stacked(rows: readonly HourRow[], index: number, miners: number): readonly Shade[] {
  const [left, right] = [index + (1 - BAR) / 2, index + (1 + BAR) / 2];
  let low = 0;
  return groups.map(({ colour, holds }, group) => {
    const ofGroup = rows.filter(
      ({ name }) => holds.test(name) && !groups.slice(0, group).some((one) => one.holds.test(name)),
    );
    const high = low + ofGroup.reduce((sum, { bytes }) => sum + bytes, 0) / miners / KB;
    const shade: Shade = {
      colour,
      opacity: 0.9,
      points: [
        [left, low, high],
        [right, low, high],
      ],
    };
    low = high;
    return shade;
  });
}

function ticksUpTo(most: number) {
  const step = 10 ** Math.floor(Math.log10(most)) / (most / 10 ** Math.floor(Math.log10(most)) > 4 ? 1 : 2);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => ({
    at: index * step,
    text: String(index * step),
  }));
}
