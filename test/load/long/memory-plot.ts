// Memory of each process over the time of the run, and the part of it in which it must not grow.
import { renderPlot } from '../../../packages/mining/simulation/svg-plot.ts';
import { linear } from '../report/linear-axis.ts';
import type { WatchedProcess } from './process-watch.ts';

const COLOURS = ['#2f6fb0', '#c8641e', '#3f8f4f', '#8a4fa3', '#a33b3b', '#5b6770'] as const;
const SHADE = '#5b6770';
const MIB = 1_048_576;

export function memoryPlot(processes: readonly WatchedProcess[], settledMinutes: number): string {
  const colourOf = (index: number) => COLOURS[index % COLOURS.length] ?? COLOURS[0];
  const samples = processes.flatMap(({ memory }) => memory);
  const most = Math.max(1, ...samples.map(({ rssBytes }) => rssBytes / MIB));
  const minutes = Math.max(1, ...samples.map(({ seconds }) => seconds / 60));
  const top = most * 1.05;
  return renderPlot({
    title: 'memory of each process of a pool under a steady load',
    legend: processes.map(({ name }, index) => ({ colour: colourOf(index), text: name })),
    panels: [
      {
        title: 'resident memory, which must not grow where it is shaded',
        x: linear('minutes', minutes),
        y: linear('MiB', top),
        shades: [
          {
            colour: SHADE,
            points: [
              [Math.max(0, minutes - settledMinutes), 0, top],
              [minutes, 0, top],
            ],
          },
        ],
        lines: processes.map(({ memory }, index) => ({
          colour: colourOf(index),
          points: memory.map(({ seconds, rssBytes }) => [seconds / 60, rssBytes / MIB] as const),
        })),
      },
    ],
    ...{ columns: 1, panelWidth: 720, panelHeight: 320 },
  });
}
