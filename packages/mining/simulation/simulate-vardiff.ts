// `npm run simulate:vardiff [-- RUNS]`: measures vardiff against share noise and writes docs/img/vardiff-*.svg and the tables of
// docs/vardiff.md. Seeded: the same numbers each time. About two minutes for the default of 1,000 runs a case.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControllerMaker, SHARES_PER_MINUTE, sluice } from './channel-model.ts';
import { ClassicVardiff } from './classic-vardiff.ts';
import { mean, measureSteady, measureStep, quantile, type SteadyResult, type StepResult } from './measures.ts';
import { type Contender, nameOfFactor, plotReturn, plotSteady, plotSteps } from './plots.ts';

const FACTORS = [0.01, 0.03, 0.1, 0.2, 1 / 3, 0.5, 0.6, 0.65, 1.6, 2, 3, 5, 10, 30, 100];
const COLD_FACTORS = [100, 0.01];
const DOCS = join(import.meta.dirname, '../../../docs');
const BEGIN = '<!-- simulation: written by npm run simulate:vardiff -->';
const END = '<!-- end of simulation -->';

const classic: ControllerMaker = (firstDifficulty) => new ClassicVardiff(SHARES_PER_MINUTE, firstDifficulty);

interface Measured extends Contender {
  readonly cold: readonly StepResult[];
  readonly steady: SteadyResult;
}

function measure(name: string, colour: string, maker: ControllerMaker, runs: number): Measured {
  return {
    name,
    colour,
    maker,
    steps: FACTORS.map((factor) => measureStep(maker, factor, runs)),
    cold: COLD_FACTORS.map((factor) => measureStep(maker, factor, runs, true)),
    steady: measureSteady(maker, 10, runs),
  };
}

function tables(runs: number, contenders: readonly Measured[]): string {
  return [
    `${runs.toLocaleString('en')} runs a case. Times in minutes: median / 95 of 100 runs; "never" means not within 40 minutes.`,
    '',
    row(
      'hashrate',
      contenders.flatMap(({ name }) => [
        `${name}: back within ×1.5`,
        'back to stay',
        'within, min. 10–40',
        'SetTargets',
      ]),
    ),
    row(
      '---',
      contenders.flatMap(() => ['---', '---', '---', '---']),
    ),
    ...FACTORS.map((factor, index) =>
      row(
        nameOfFactor(factor),
        contenders.flatMap(({ steps }) => stepCells(steps[index]!)),
      ),
    ),
    ...COLD_FACTORS.map((factor, index) =>
      row(
        `starts ${nameOfFactor(factor)} of the claim`,
        contenders.flatMap(({ cold }) => stepCells(cold[index]!)),
      ),
    ),
    '',
    `Steady for 8 hours, the half hour after a start at a tenfold difficulty left out: mean of the runs / 95 of 100 runs.`,
    '',
    row(
      '',
      contenders.map(({ name }) => name),
    ),
    row(
      '---',
      contenders.map(() => '---'),
    ),
    row(
      'SetTargets an hour',
      contenders.map(({ steady }) => spread(steady.setTargetsPerHour, 1)),
    ),
    row(
      'moves of 25 % and more in 40 minutes',
      contenders.map(({ steady }) => spread(steady.bigMovesPer40Minutes, 2)),
    ),
    row(
      'windows of 40 minutes with more than one such move',
      contenders.map(({ steady }) => percent(steady.windowsWithMoreBigMoves)),
    ),
    row(
      'time within a factor 1.5',
      contenders.map(({ steady }) => `${percent(mean(steady.within))} / ${percent(quantile(steady.within, 0.05))}`),
    ),
  ].join('\n');
}

function row(head: string, cells: readonly string[]): string {
  return `| ${[head, ...cells].join(' | ')} |`;
}

function stepCells({ back, holds, within, setTargets }: StepResult): string[] {
  return [minutes(back), minutes(holds), percent(within), setTargets.toFixed(1)];
}

function minutes(values: readonly number[]): string {
  return [0.5, 0.95]
    .map((part) => quantile(values, part))
    .map((value) => (value === Number.POSITIVE_INFINITY ? 'never' : value.toFixed(1)))
    .join(' / ');
}

function spread(values: readonly number[], digits: number): string {
  return `${mean(values).toFixed(digits)} / ${quantile(values, 0.95).toFixed(digits)}`;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

function writeTables(text: string): void {
  const file = join(DOCS, 'vardiff.md');
  const page = readFileSync(file, 'utf8');
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${file} has no place for the tables`);
  writeFileSync(file, `${page.slice(0, from + BEGIN.length)}\n${text}\n${page.slice(to)}`);
}

const runs = Number(process.argv[2] ?? 1000);
if (!Number.isInteger(runs) || runs < 1)
  throw new Error(`the number of runs is a whole number from 1 on, not ${process.argv[2]}`);
const contenders = [measure('Sluice', '#1f6feb', sluice, runs), measure('SRI classic', '#d4572a', classic, runs)];
const text = tables(runs, contenders);
process.stdout.write(`${text}\n`);
writeTables(text);
mkdirSync(join(DOCS, 'img'), { recursive: true });
writeFileSync(join(DOCS, 'img/vardiff-steps.svg'), plotSteps(contenders));
writeFileSync(join(DOCS, 'img/vardiff-return.svg'), plotReturn(contenders));
writeFileSync(join(DOCS, 'img/vardiff-steady.svg'), plotSteady(contenders));
