// What vardiff believes about one device's hashrate: a weighted set of hypotheses "it has been constant since then", each with
// the Gamma distribution that its shares and its exposure (seconds ÷ difficulty) give. Shares are Poisson, so every update is
// closed-form; a share found and a share missing weigh in alike. Steady work lets an old hypothesis win, which remembers
// long; after a change a young one explains the shares better and takes over. Bayesian online change-point detection after
// Adams and MacKay (2007), with the ages thinned out so that eight of them reach back over the whole memory.
import { logRisingFactorial } from './log-gamma.ts';

/**
 * Kinds of change reckoned with: how often, and where the new hashrate may lie (a Gamma distribution of this shape whose mean is `scale`
 * times the hashrate so far). Tuned by the simulation, see docs/vardiff.md.
 */
const KINDS = [
  // Anything, from devices that stop to a hundredfold.
  { shape: 0.5, scale: 1.5, perHour: 0.25 },
  // Part of the device or of the farm behind a proxy is gone.
  { shape: 7, scale: 0.53, perHour: 1.8 },
  // Something was added.
  { shape: 8, scale: 1.7, perHour: 1.1 },
] as const;
const CHANGES_PER_HOUR = KINDS.reduce((sum, kind) => sum + kind.perHour, 0);
const LANES = KINDS.length;

/** Starting times held at once; past it, the two nearest neighbours are made one. */
const CAPACITY = 8;
const STARTS = CAPACITY + 1;
const HYPOTHESES = STARTS * LANES;
/** Where the numbers of a belief stand. */
const SHAPE = 0;
const RATE = HYPOTHESES;
const WEIGHT = 2 * HYPOTHESES;
const AGE = 3 * HYPOTHESES;
/** Of the hypotheses of the belief at work. */
const logLikelihoods = new Float64Array(HYPOTHESES);
/** Shares that a hypothesis remembers at most: older ones fade, so that slow drift is followed. 17 minutes at 6 a minute. */
const MEMORY_SHARES = 100;
/** A new starting time is considered after this many expected or `BURST_SHARES` found shares. */
const START_EVERY_SHARES = 1;
const BURST_SHARES = 3;
/** Hypotheses less likely than this are dropped. */
const NEGLIGIBLE = 1e-9;
/** Most that one new starting time may take from the others, however long the pause was. */
const MAX_CHANGE_PROBABILITY = 0.25;
/** Weight and firmness of a change that the miner itself announces. */
const CLAIM_PROBABILITY = 0.3;
const CLAIM_SHAPE = 4;

/** Of one device: hashes a second, by shares of a known difficulty in seconds of a known length. */
export class HashrateBelief {
  /**
   * Of hypothesis `start * LANES + kind`, from SHAPE, RATE and WEIGHT on: shape and rate of its Gamma distribution, and its probability; starts
   * from the oldest to the newest, and from AGE on the exposure since each. One array, because each takes 200 bytes beside its numbers.
   */
  readonly #numbers = new Float64Array(AGE + STARTS);
  #starts = 0;
  #typical: number;
  #secondsSinceStart = 0;
  #exposureSinceStart = 0;
  #sharesSinceStart = 0;

  /** `guess`: hashes a second, positive; hardly binding. */
  constructor(guess: number) {
    this.#typical = guess;
    this.#start();
    this.#numbers[WEIGHT] = 1;
  }

  /** The estimate: the weighted geometric mean of the hypotheses' medians, in hashes a second. */
  get typical(): number {
    return this.#typical;
  }

  /**
   * Takes in that `shares` (>= 0, may be a fraction) were found in `seconds` (>= 0) at `difficulty` (hashes a share). A few hundred
   * floating point operations whatever the number of shares; allocates nothing.
   */
  observe(shares: number, seconds: number, difficulty: number): void {
    const exposure = seconds / difficulty;
    if (this.#isTimeForStart(shares, exposure)) {
      this.#considerChange(Math.min(this.#secondsSinceStart * (CHANGES_PER_HOUR / 3600), MAX_CHANGE_PROBABILITY));
    }
    this.#secondsSinceStart += seconds;
    this.#exposureSinceStart += exposure;
    this.#sharesSinceStart += shares;
    this.#update(shares, exposure);
    this.#forgetNegligible();
    if (this.#starts > CAPACITY) this.#mergeNearest();
  }

  /** The miner says that its hashrate has changed by this factor: one more hypothesis, which its shares must bear out. */
  claim(factor: number): void {
    this.#considerChange(CLAIM_PROBABILITY);
    const newest = (this.#starts - 1) * LANES;
    for (let kind = 0; kind < LANES; kind += 1) this.#numbers[WEIGHT + newest + kind] = 0;
    this.#numbers[SHAPE + newest] = CLAIM_SHAPE;
    this.#numbers[RATE + newest] = CLAIM_SHAPE / (this.#typical * factor);
    this.#numbers[WEIGHT + newest] = CLAIM_PROBABILITY;
    if (this.#starts > CAPACITY) this.#mergeNearest();
  }

  /** Probability of the hypotheses whose median is below this hashrate. */
  probabilityBelow(hashrate: number): number {
    let sum = 0;
    for (let at = 0; at < this.#starts * LANES; at += 1) {
      if (median(this.#numbers[SHAPE + at]!, this.#numbers[RATE + at]!) < hashrate) sum += this.#numbers[WEIGHT + at]!;
    }
    return sum;
  }

  #isTimeForStart(shares: number, exposure: number): boolean {
    return (
      (this.#exposureSinceStart + exposure) * this.#typical >= START_EVERY_SHARES ||
      this.#sharesSinceStart + shares >= BURST_SHARES
    );
  }

  /** Gives the hypotheses that the hashrate changes just now their prior probability, taken from the others. */
  #considerChange(probability: number): void {
    for (let at = 0; at < this.#starts * LANES; at += 1) this.#numbers[WEIGHT + at]! *= 1 - probability;
    this.#start();
    const newest = (this.#starts - 1) * LANES;
    for (let kind = 0; kind < LANES; kind += 1) {
      this.#numbers[WEIGHT + newest + kind] = (probability * KINDS[kind]!.perHour) / CHANGES_PER_HOUR;
    }
  }

  #start(): void {
    const newest = this.#starts * LANES;
    for (let kind = 0; kind < LANES; kind += 1) {
      const { shape, scale } = KINDS[kind]!;
      this.#numbers[SHAPE + newest + kind] = shape;
      this.#numbers[RATE + newest + kind] = shape / (scale * this.#typical);
      this.#numbers[WEIGHT + newest + kind] = 0;
    }
    this.#numbers[AGE + this.#starts] = 0;
    this.#starts += 1;
    this.#secondsSinceStart = 0;
    this.#exposureSinceStart = 0;
    this.#sharesSinceStart = 0;
  }

  #update(shares: number, exposure: number): void {
    const end = this.#starts * LANES;
    let most = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < end; at += 1) {
      const shape = this.#numbers[SHAPE + at]!;
      const rate = this.#numbers[RATE + at]! + exposure;
      // Gamma-Poisson, without what is common to all hypotheses.
      let log = shape * Math.log(this.#numbers[RATE + at]! / rate);
      if (shares > 0) log += logRisingFactorial(shape, shares) - shares * Math.log(rate * this.#typical);
      logLikelihoods[at] = log;
      if (log > most && this.#numbers[WEIGHT + at]! > 0) most = log;
      const fade = Math.min(MEMORY_SHARES / (shape + shares), 1);
      this.#numbers[SHAPE + at] = (shape + shares) * fade;
      this.#numbers[RATE + at] = rate * fade;
    }
    let total = 0;
    for (let at = 0; at < end; at += 1) {
      if (this.#numbers[WEIGHT + at]! > 0) total += this.#numbers[WEIGHT + at]! *= Math.exp(logLikelihoods[at]! - most);
    }
    for (let at = 0; at < end; at += 1) this.#numbers[WEIGHT + at]! /= total;
    const memory = MEMORY_SHARES / this.#typical;
    for (let start = 0; start < this.#starts; start += 1) {
      this.#numbers[AGE + start] = Math.min(this.#numbers[AGE + start]! + exposure, memory);
    }
    this.#typical = this.#geometricMean();
  }

  #geometricMean(): number {
    let sum = 0;
    for (let at = 0; at < this.#starts * LANES; at += 1) {
      if (this.#numbers[WEIGHT + at]! > 0)
        sum += this.#numbers[WEIGHT + at]! * Math.log(median(this.#numbers[SHAPE + at]!, this.#numbers[RATE + at]!));
    }
    return Math.exp(sum);
  }

  /** The two newest starts have had no time to show anything and stay. */
  #forgetNegligible(): void {
    for (let start = this.#starts - 3; start >= 0; start -= 1) {
      let weight = 0;
      for (let kind = 0; kind < LANES; kind += 1) weight += this.#numbers[WEIGHT + start * LANES + kind]!;
      if (weight < NEGLIGIBLE) this.#remove(start);
    }
  }

  /** Makes one of the two neighbouring starts whose ages differ least in proportion: the ages kept form about a geometric series. */
  #mergeNearest(): void {
    const share = 1 / this.#typical;
    let nearest = 1;
    let least = Number.POSITIVE_INFINITY;
    for (let start = 1; start < this.#starts - 1; start += 1) {
      const distance =
        (this.#numbers[AGE + start - 1]! - this.#numbers[AGE + start]!) / (this.#numbers[AGE + start]! + share);
      if (distance < least) {
        least = distance;
        nearest = start;
      }
    }
    for (let kind = 0; kind < LANES; kind += 1) this.#mergeIntoOlder(nearest * LANES + kind);
    this.#remove(nearest);
  }

  #mergeIntoOlder(at: number): void {
    const older = at - LANES;
    const weight = this.#numbers[WEIGHT + at]! + this.#numbers[WEIGHT + older]!;
    if (weight === 0) return;
    const part = this.#numbers[WEIGHT + at]! / weight;
    this.#numbers[SHAPE + older]! += part * (this.#numbers[SHAPE + at]! - this.#numbers[SHAPE + older]!);
    this.#numbers[RATE + older]! += part * (this.#numbers[RATE + at]! - this.#numbers[RATE + older]!);
    this.#numbers[WEIGHT + older] = weight;
  }

  #remove(start: number): void {
    const from = (start + 1) * LANES;
    const end = this.#starts * LANES;
    for (const part of [SHAPE, RATE, WEIGHT]) this.#numbers.copyWithin(part + start * LANES, part + from, part + end);
    this.#numbers.copyWithin(AGE + start, AGE + start + 1, AGE + this.#starts);
    this.#starts -= 1;
  }
}

/** About the median of a Gamma distribution: (shape - 1/3) / rate, and for shapes below 2/3 a straight line to zero. */
function median(shape: number, rate: number): number {
  return (shape > 2 / 3 ? shape - 1 / 3 : shape / 2) / rate;
}
