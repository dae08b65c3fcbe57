// Latencies in buckets of at most 1.6 % of their value, from a microsecond to half an hour: recording costs no memory, and histograms
// of several processes add up.

/** Buckets to a doubling, as a power of two. */
const BITS = 6;
const EXACT = 2 ** (BITS + 1);
const LONGEST_US = 2 ** 31 - 1;
const BUCKETS = indexOf(LONGEST_US) + 1;

/** What passes between processes. */
export interface HistogramData {
  readonly counts: Float64Array;
  readonly sumMs: number;
  readonly maxMs: number;
}

export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #sumMs = 0;
  #maxMs = 0;

  /** The sum of what several processes recorded. */
  static of(parts: readonly HistogramData[]): LatencyHistogram {
    const histogram = new LatencyHistogram();
    for (const { counts, sumMs, maxMs } of parts) {
      for (const [index, count] of counts.entries()) histogram.#counts[index]! += count;
      histogram.#sumMs += sumMs;
      histogram.#maxMs = Math.max(histogram.#maxMs, maxMs);
    }
    return histogram;
  }

  record(milliseconds: number): void {
    // Clocks of two processes can differ by less than is measured here.
    const us = Math.min(LONGEST_US, Math.max(0, Math.round(milliseconds * 1_000)));
    this.#counts[indexOf(us)]! += 1;
    this.#sumMs += milliseconds;
    if (milliseconds > this.#maxMs) this.#maxMs = milliseconds;
  }

  get data(): HistogramData {
    return { counts: this.#counts, sumMs: this.#sumMs, maxMs: this.#maxMs };
  }

  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0);
  }

  get max(): number {
    return this.#maxMs;
  }

  get mean(): number {
    return this.#sumMs / this.count;
  }

  /** Milliseconds that this part of all values do not exceed, to a bucket; of none: NaN. */
  quantile(part: number): number {
    const rank = Math.max(1, Math.ceil(part * this.count));
    for (const { upTo, seen } of this.#cumulative()) if (seen >= rank) return Math.min(upTo, this.#maxMs);
    return Number.NaN;
  }

  /** Points of the cumulative distribution: milliseconds, and the part of all values up to there. */
  distribution(): (readonly [ms: number, part: number])[] {
    const total = this.count;
    return [...this.#cumulative()].map(({ upTo, seen }) => [Math.min(upTo, this.#maxMs), seen / total] as const);
  }

  *#cumulative(): Generator<{ readonly upTo: number; readonly seen: number }> {
    let seen = 0;
    for (const [index, count] of this.#counts.entries()) {
      if (count === 0) continue;
      seen += count;
      yield { upTo: lastOf(index) / 1_000, seen };
    }
  }
}

function indexOf(us: number): number {
  if (us < EXACT) return us;
  const shift = 31 - Math.clz32(us) - BITS;
  return shift * 2 ** BITS + (us >>> shift);
}

/** The longest time of a bucket. */
function lastOf(index: number): number {
  if (index < EXACT) return index;
  const shift = Math.floor(index / 2 ** BITS) - 1;
  return (index - shift * 2 ** BITS + 1) * 2 ** shift - 1;
}
