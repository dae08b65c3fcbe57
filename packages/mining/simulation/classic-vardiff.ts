// The algorithm that SRI's pool runs (vardiff "classic" of channels_sv2), written from its published rules, to be simulated beside ours:
// every 60 s the rate since the last update is compared with the wanted one; the longer ago that update, the smaller the
// deviation that counts. Not used by any service.
import type { SimulatedController } from './channel-model.ts';

const TICK_MS = 60_000;
const LEAST_WAIT_MS = 15_000;
/** Deviation from the wanted rate that is acted upon, by the time since the last update. */
const THRESHOLDS = [
  { fromMs: 300_000, deviation: 0.15 },
  { fromMs: 240_000, deviation: 0.3 },
  { fromMs: 180_000, deviation: 0.45 },
  { fromMs: 120_000, deviation: 0.5 },
  { fromMs: 60_000, deviation: 0.6 },
  { fromMs: 0, deviation: 1 },
] as const;
/** A rate more than this much above the wanted one is taken for a jump, which is followed in bounded steps. */
const JUMP_DEVIATION = 10;

export class ClassicVardiff implements SimulatedController {
  announced: number;
  inForce: number;
  readonly #sharesPerMinute: number;
  #shares = 0;
  #updatedMs = 0;
  #tickedMs = 0;

  constructor(sharesPerMinute: number, firstDifficulty: number) {
    this.#sharesPerMinute = sharesPerMinute;
    this.announced = firstDifficulty;
    this.inForce = firstDifficulty;
  }

  onShare(): void {
    this.#shares += 1;
  }

  onJob(): void {
    this.inForce = this.announced;
  }

  evaluate(nowMs: number): number | undefined {
    if (nowMs - this.#tickedMs < TICK_MS) return undefined;
    this.#tickedMs = nowMs;
    const elapsed = nowMs - this.#updatedMs;
    if (elapsed <= LEAST_WAIT_MS) return undefined;
    const ratio = this.#shares / (elapsed / 60_000) / this.#sharesPerMinute;
    const threshold = THRESHOLDS.find(({ fromMs }) => elapsed >= fromMs)!.deviation;
    if (Math.abs(ratio - 1) < threshold) return undefined;
    this.announced = Math.max(1, this.announced * factor(ratio, elapsed));
    this.#shares = 0;
    this.#updatedMs = nowMs;
    return this.announced;
  }
}

function factor(ratio: number, elapsedMs: number): number {
  if (ratio === 0) return 1 / (elapsedMs <= 30_000 ? 1.5 : elapsedMs < 60_000 ? 2 : 3);
  if (ratio - 1 > JUMP_DEVIATION) return elapsedMs <= 30_000 ? 10 : elapsedMs < 60_000 ? 5 : 3;
  return ratio;
}
