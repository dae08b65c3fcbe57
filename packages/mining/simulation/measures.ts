// What is measured of a vardiff over many seeded runs: how soon it is back after a step, and how still it sits.
import { type ControllerMaker, runChannel } from './channel-model.ts';

/** The rate of shares is right within this factor. */
const BAND = 1.5;
/** Steady work before a step, so that the belief in the old hashrate is at its firmest. */
const BEFORE_STEP_S = 3600;
const AFTER_STEP_S = 2400;
/** "Holds": from here on at least this long within the band. */
const HOLD_S = 300;
/** Steady runs begin after a start at a wrong difficulty has been got over. */
const SETTLING_S = 1800;
const STEADY_S = 8 * 3600;
const BIG_MOVE = 1.25;
/** Rates are kept for the plots once in so many seconds. */
export const SAMPLE_EVERY_S = 5;

export interface StepResult {
  readonly factor: number;
  /** Minutes until the rate is first back within the band; one entry a run, Infinity if it never was. */
  readonly back: readonly number[];
  /** Minutes until it is back to stay for five minutes at least. */
  readonly holds: readonly number[];
  /** Part of the time within the band, minutes 10 to 40 after the step. */
  readonly within: number;
  /** SetTargets in the 40 minutes after the step, mean. */
  readonly setTargets: number;
  /** Rate ÷ wanted of each run, every `SAMPLE_EVERY_S`. */
  readonly rates: readonly Float32Array[];
}

/** From the right difficulty, the hashrate changes by `factor` at once. With `cold`, instead the first difficulty is wrong by 1 / factor. */
export function measureStep(maker: ControllerMaker, factor: number, runs: number, cold = false): StepResult {
  const result = { back: [] as number[], holds: [] as number[], rates: [] as Float32Array[] };
  const before = cold ? 0 : BEFORE_STEP_S;
  let within = 0;
  let setTargets = 0;
  for (let run = 0; run < runs; run += 1) {
    const rates = new Float32Array(AFTER_STEP_S / SAMPLE_EVERY_S);
    let back = Number.POSITIVE_INFINITY;
    let holds = Number.POSITIVE_INFINITY;
    let since = -1;
    runChannel({
      seed: seedOf(run, factor),
      maker,
      firstFactor: cold ? 1 / factor : 1,
      hashrateFactor: (second) => (!cold && second >= before ? factor : 1),
      seconds: before + AFTER_STEP_S,
      observe(second, rate, moved) {
        const after = second - before;
        if (after <= 0) return;
        if (after % SAMPLE_EVERY_S === 0) rates[after / SAMPLE_EVERY_S - 1] = rate;
        if (moved !== 0) setTargets += 1;
        if (!isWithin(rate)) since = -1;
        else {
          if (since < 0) since = after;
          back = Math.min(back, after);
          if (after - since >= HOLD_S) holds = Math.min(holds, since);
          if (after > 600) within += 1;
        }
      },
    });
    result.back.push(back / 60);
    result.holds.push(holds / 60);
    result.rates.push(rates);
  }
  return { factor, ...result, within: within / (runs * (AFTER_STEP_S - 600)), setTargets: setTargets / runs };
}

export interface SteadyResult {
  /** One entry a run: SetTargets an hour, moves of 25 % and more in 40 minutes, part of the time within the band. */
  readonly setTargetsPerHour: readonly number[];
  readonly bigMovesPer40Minutes: readonly number[];
  readonly within: readonly number[];
  /** Part of all whole windows of 40 minutes with more than one big move. */
  readonly windowsWithMoreBigMoves: number;
}

/** Eight hours at a constant hashrate; the half hour in which a first difficulty that was wrong by `firstFactor` is corrected is left out. */
export function measureSteady(maker: ControllerMaker, firstFactor: number, runs: number): SteadyResult {
  const setTargetsPerHour: number[] = [];
  const bigMovesPer40Minutes: number[] = [];
  const withinBand: number[] = [];
  let crowded = 0;
  for (let run = 0; run < runs; run += 1) {
    let setTargets = 0;
    let within = 0;
    const windows = new Array<number>(STEADY_S / 2400).fill(0);
    runChannel({
      seed: seedOf(run, 0),
      maker,
      firstFactor,
      hashrateFactor: () => 1,
      seconds: SETTLING_S + STEADY_S,
      observe(second, rate, moved) {
        if (second <= SETTLING_S) return;
        if (isWithin(rate)) within += 1;
        if (moved === 0) return;
        setTargets += 1;
        if (moved >= BIG_MOVE || moved <= 1 / BIG_MOVE) windows[Math.floor((second - SETTLING_S - 1) / 2400)]! += 1;
      },
    });
    setTargetsPerHour.push(setTargets / (STEADY_S / 3600));
    bigMovesPer40Minutes.push(windows.reduce((sum, moves) => sum + moves, 0) / windows.length);
    withinBand.push(within / STEADY_S);
    crowded += windows.filter((moves) => moves > 1).length / windows.length;
  }
  return { setTargetsPerHour, bigMovesPer40Minutes, within: withinBand, windowsWithMoreBigMoves: crowded / runs };
}

/** The value below which this part of the values lies. */
export function quantile(values: readonly number[] | Float32Array, part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Both algorithms meet the same seeds; every case has its own. */
function seedOf(run: number, factor: number): number {
  return run * 7919 + Math.round(Math.log(factor || 1) * 1e6);
}

function isWithin(rate: number): boolean {
  return rate <= BAND && rate >= 1 / BAND;
}
