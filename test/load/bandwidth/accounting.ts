// What few shares cost in how well a worker's pay fits its work. Shares are a Poisson process, so of a worker with a mean of m shares the
// number is off by the square root of m; checked by simulation and by what was measured.
import { poisson, seededRandom } from '../../../packages/mining/simulation/random.ts';

const SEED = 23;
const RUNS = 20_000;

export interface Spread {
  readonly hours: number;
  /** Shares of a worker that are paid. */
  readonly mean: number;
  /** Standard deviation ÷ mean: derived, and of simulated workers. */
  readonly derived: number;
  readonly simulated: number;
}

/** @param sharesAnHour of a worker, that the pool sees. */
export function spreadsOf(sharesAnHour: number): readonly Spread[] {
  const random = seededRandom(SEED);
  return [1, 24, 168, 720].map((hours) => {
    const mean = sharesAnHour * hours;
    const counts = Array.from({ length: RUNS }, () => poisson(mean, random));
    return { hours, mean, derived: 1 / Math.sqrt(mean), simulated: deviationOf(counts) / meanOf(counts) };
  });
}

/** Of the shares that workers were measured with: a Poisson distribution has a variance as large as its mean. */
export function dispersionOf(sharesByWorker: ReadonlyMap<string, number>, miners: number) {
  const counts = Array.from({ length: miners }, (_, worker) => sharesByWorker.get(String(worker)) ?? 0);
  const mean = meanOf(counts);
  return {
    mean,
    varianceOverMean: deviationOf(counts) ** 2 / mean,
    none: counts.filter((count) => count === 0).length,
  };
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
