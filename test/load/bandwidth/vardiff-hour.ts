// How often a miner of steady hashrate is told another difficulty in an hour: that takes its time, and the hour that is measured has none.
import { runChannel, type SimulatedController, sluice } from '../../../packages/mining/simulation/channel-model.ts';
import { seededRandom } from '../../../packages/mining/simulation/random.ts';

const SEED = 11;

/** Of one miner, on average. */
export interface VardiffHour {
  readonly setTargets: number;
  /** Of these, to an easier target: a job goes with it at once. */
  readonly eased: number;
  /** mining.set_difficulty, where difficulties are powers of two. */
  readonly setDifficulties: number;
}

/** From the right first difficulty on. @param seconds of the hour. */
export function simulateVardiff(miners: number, seconds: number): VardiffHour {
  const random = seededRandom(SEED);
  const sum = { setTargets: 0, eased: 0, setDifficulties: 0 };
  for (let miner = 0; miner < miners; miner++) {
    // Where between two powers of two the right difficulty is differs from device to device.
    const factor = 2 ** random();
    const run = { seed: SEED + miner, firstFactor: factor, hashrateFactor: () => factor, seconds };
    runChannel({
      ...run,
      maker: sluice,
      observe: (_second, _rate, moved) => {
        if (moved !== 0) sum.setTargets += 1;
        if (moved !== 0 && moved < 1) sum.eased += 1;
      },
    });
    runChannel({
      ...run,
      maker: (first) => new PowersOfTwo(sluice(first)),
      observe: (_second, _rate, moved) => {
        if (moved !== 0) sum.setDifficulties += 1;
      },
    });
  }
  const { setTargets, eased, setDifficulties } = sum;
  return { setTargets: setTargets / miners, eased: eased / miners, setDifficulties: setDifficulties / miners };
}

/** As the proxy tells them: rounded down, and with a job at once when it is another. */
class PowersOfTwo implements SimulatedController {
  readonly #vardiff: SimulatedController;
  #told: number;

  constructor(vardiff: SimulatedController) {
    this.#vardiff = vardiff;
    this.#told = roundedDown(vardiff.announced);
  }

  get announced(): number {
    return this.#told;
  }

  get inForce(): number {
    return this.#told;
  }

  onShare(difficulty: number): void {
    this.#vardiff.onShare(difficulty);
  }

  onJob(nowMs: number): void {
    this.#vardiff.onJob(nowMs);
  }

  evaluate(nowMs: number): number | undefined {
    if (this.#vardiff.evaluate(nowMs) === undefined) return undefined;
    this.#vardiff.onJob(nowMs);
    const next = roundedDown(this.#vardiff.announced);
    if (next === this.#told) return undefined;
    this.#told = next;
    return next;
  }
}

const roundedDown = (difficulty: number) => 2 ** Math.floor(Math.log2(difficulty));
