// One channel under real share noise: a device of known hashrate finds shares as a Poisson process at the difficulty of the job
// it works on. A new job every 30 s carries the last announced target; an easier target gets a job at once. Time runs in
// steps of a second, within which nothing changes, so the number of shares of a step is exactly Poisson-distributed.
import { Vardiff } from '../src/vardiff.ts';
import { poisson, seededRandom } from './random.ts';

export const SHARES_PER_MINUTE = 6;
/** Of the device before the step; the result does not depend on it. */
const HASHRATE = 1e14;
const JOB_EVERY_S = 30;
export const WANTED_DIFFICULTY = (HASHRATE * 60) / SHARES_PER_MINUTE;

/** What the model needs of a vardiff. */
export interface SimulatedController {
  readonly announced: number;
  readonly inForce: number;
  onShare(difficulty: number): void;
  onJob(nowMs: number): void;
  evaluate(nowMs: number): number | undefined;
}

export type ControllerMaker = (firstDifficulty: number) => SimulatedController;

/** Ours, bounded so widely that the bounds do not matter; every device claims 1 TH/s. */
export const sluice: ControllerMaker = (firstDifficulty) =>
  new Vardiff(
    {
      sharesPerMinute: SHARES_PER_MINUTE,
      minDifficulty: 1,
      maxDifficulty: 1e40,
      firstDifficulty,
      nominalHashrate: 1e12,
    },
    0,
  );

export interface ChannelRun {
  readonly seed: number;
  readonly maker: ControllerMaker;
  /** First difficulty ÷ the right one. */
  readonly firstFactor: number;
  /** Hashrate ÷ the first one, in the second that begins at `second`. */
  hashrateFactor(second: number): number;
  readonly seconds: number;
  /** After each second: true rate of shares ÷ wanted rate, and new ÷ old difficulty if a SetTarget was written, else 0. */
  observe(second: number, rate: number, moved: number): void;
}

export function runChannel({ seed, maker, firstFactor, hashrateFactor, seconds, observe }: ChannelRun): void {
  const random = seededRandom(seed);
  const controller = maker(WANTED_DIFFICULTY * firstFactor);
  const jobPhase = Math.floor(random() * JOB_EVERY_S);
  for (let second = 1; second <= seconds; second += 1) {
    const nowMs = second * 1000;
    const hashrate = HASHRATE * hashrateFactor(second - 1);
    const difficulty = controller.inForce;
    for (let share = poisson(hashrate / difficulty, random); share > 0; share -= 1) controller.onShare(difficulty);
    const before = controller.announced;
    const announced = controller.evaluate(nowMs);
    const eased = announced !== undefined && announced < controller.inForce;
    if (eased || (second + jobPhase) % JOB_EVERY_S === 0) controller.onJob(nowMs);
    observe(
      second,
      hashrate / controller.inForce / (SHARES_PER_MINUTE / 60),
      announced === undefined ? 0 : announced / before,
    );
  }
}
