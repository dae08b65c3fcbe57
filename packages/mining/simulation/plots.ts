// The three pictures of docs/vardiff.md from measured results.
import { type ControllerMaker, runChannel } from './channel-model.ts';
import { quantile, SAMPLE_EVERY_S, type StepResult } from './measures.ts';
import { type Axis, type Panel, renderPlot } from './svg-plot.ts';

/** An algorithm with what was measured of it. */
export interface Contender {
  readonly name: string;
  readonly colour: string;
  readonly maker: ControllerMaker;
  readonly steps: readonly StepResult[];
}

const BAND_COLOUR = '#3a9d5d';
const STEP_PANELS = [100, 2, 0.5, 0.01];
const STEP_MINUTES = 30;

const rateAxis = (min: number, max: number): Axis => ({
  label: 'rate of shares ÷ wanted',
  min,
  max,
  log: true,
  ticks: [0.01, 0.1, 0.5, 1, 2, 10, 100].filter((at) => at >= min && at <= max).map((at) => ({ at, text: `${at}` })),
});

const minuteTicks = (max: number, every: number) =>
  Array.from({ length: max / every + 1 }, (_, index) => ({ at: index * every, text: `${index * every}` }));

/** Median and the middle 90 of 100 runs over the time after a step. */
export function plotSteps(contenders: readonly Contender[]): string {
  return renderPlot({
    title: 'After a step of the hashrate: median, and the middle 90 of 100 runs',
    legend: [...contenders.map(({ name, colour }) => ({ colour, text: name })), bandLegend],
    panels: STEP_PANELS.map((factor) => stepPanel(contenders, factor)),
    columns: 2,
    panelWidth: 440,
    panelHeight: 250,
  });
}

const bandLegend = { colour: BAND_COLOUR, text: 'within a factor 1.5' };

function stepPanel(contenders: readonly Contender[], factor: number): Panel {
  const steps = contenders.map(({ colour, steps }) => ({
    colour,
    step: steps.find((step) => step.factor === factor)!,
  }));
  return {
    title: `hashrate ${nameOfFactor(factor)}`,
    x: { label: 'minutes after the step', min: 0, max: STEP_MINUTES, ticks: minuteTicks(STEP_MINUTES, 5) },
    y: factor >= 10 || factor <= 0.1 ? rateAxis(0.01, 100) : rateAxis(0.2, 5),
    shades: [
      { colour: BAND_COLOUR, points: bandOver(0, STEP_MINUTES) },
      ...steps.map(({ colour, step }) => ({
        colour,
        points: samplesOf(step).map(
          ({ minute, rates }) => [minute, quantile(rates, 0.05), quantile(rates, 0.95)] as const,
        ),
      })),
    ],
    lines: steps.map(({ colour, step }) => ({
      colour,
      points: samplesOf(step).map(({ minute, rates }) => [minute, quantile(rates, 0.5)] as const),
    })),
  };
}

function samplesOf({ rates }: StepResult): { minute: number; rates: number[] }[] {
  const length = (STEP_MINUTES * 60) / SAMPLE_EVERY_S;
  return Array.from({ length: length / 3 }, (_, index) => ({
    minute: ((index * 3 + 1) * SAMPLE_EVERY_S) / 60,
    rates: rates.map((run) => run[index * 3]!),
  }));
}

/** Minutes to come back, over the size of the step. */
export function plotReturn(contenders: readonly Contender[]): string {
  const factors = contenders[0]!.steps.map(({ factor }) => factor);
  return renderPlot({
    title: 'Time until the rate is back within a factor 1.5: median (full), 95 of 100 runs (dashed)',
    legend: contenders.map(({ name, colour }) => ({ colour, text: name })),
    panels: [
      {
        title: 'by the size of the step',
        x: {
          label: 'new hashrate ÷ old',
          min: 0.01,
          max: 100,
          log: true,
          ticks: factors.filter((at) => [0.01, 0.1, 0.5, 2, 10, 100].includes(at)).map((at) => ({ at, text: `${at}` })),
        },
        y: { label: 'minutes', min: 0, max: 40, ticks: minuteTicks(40, 5) },
        shades: [],
        lines: contenders.flatMap(({ colour, steps }) => [
          { colour, points: steps.map(({ factor, back }) => [factor, quantile(back, 0.5)] as const) },
          { colour, dashed: true, points: steps.map(({ factor, back }) => [factor, quantile(back, 0.95)] as const) },
        ]),
      },
    ],
    columns: 1,
    panelWidth: 880,
    panelHeight: 330,
  });
}

/** One run of eight hours each, on the same seed. */
export function plotSteady(contenders: readonly Contender[]): string {
  const hours = 8;
  return renderPlot({
    title: 'Eight hours at a constant hashrate: one run each, same seed',
    legend: [...contenders.map(({ name, colour }) => ({ colour, text: name })), bandLegend],
    panels: contenders.map(({ name, colour, maker }) => ({
      title: name,
      x: { label: 'hours', min: 0, max: hours, ticks: minuteTicks(hours, 1) },
      y: rateAxis(0.2, 5),
      shades: [{ colour: BAND_COLOUR, points: bandOver(0, hours) }],
      lines: [{ colour, points: steadyRun(maker, hours) }],
    })),
    columns: 1,
    panelWidth: 880,
    panelHeight: 220,
  });
}

function steadyRun(maker: ControllerMaker, hours: number): [number, number][] {
  const points: [number, number][] = [];
  let last = 0;
  runChannel({
    seed: 2009,
    maker,
    firstFactor: 1,
    hashrateFactor: () => 1,
    seconds: hours * 3600,
    observe(second, rate) {
      if (rate === last && second !== hours * 3600) return;
      if (last !== 0) points.push([(second - 1) / 3600, last]);
      points.push([second / 3600, rate]);
      last = rate;
    },
  });
  return points;
}

function bandOver(from: number, to: number): [number, number, number][] {
  return [
    [from, 1 / 1.5, 1.5],
    [to, 1 / 1.5, 1.5],
  ];
}

/** As people say it: ×100, ÷2. */
export function nameOfFactor(factor: number): string {
  return factor >= 1 ? `×${factor}` : `÷${Math.round(100 / factor) / 100}`;
}
