// The part of a run that rates and latencies are taken from. A share belongs to it by the instant at which it was sent, so that those
// which are answered late are not left out.
import { type HistogramData, LatencyHistogram } from './latency-histogram.ts';

export interface ShareWindowData {
  readonly latency: HistogramData;
  /** By seconds since the window began. */
  readonly sent: readonly number[];
  readonly acknowledged: readonly number[];
}

export class ShareWindow {
  readonly latency = new LatencyHistogram();
  readonly #sent: number[] = [];
  readonly #acknowledged: number[] = [];
  #from = Number.POSITIVE_INFINITY;
  #to = Number.POSITIVE_INFINITY;

  begin(from: number): void {
    this.#from = from;
  }

  end(to: number): void {
    this.#to = to;
  }

  sent(count: number, now: number): void {
    this.#count(this.#sent, count, now);
  }

  acknowledged(count: number, now: number): void {
    this.#count(this.#acknowledged, count, now);
  }

  answered(sentAt: number, now: number): void {
    if (sentAt >= this.#from && sentAt < this.#to) this.latency.record(now - sentAt);
  }

  #count(seconds: number[], count: number, now: number): void {
    if (now < this.#from || now >= this.#to) return;
    const second = Math.floor((now - this.#from) / 1_000);
    while (seconds.length <= second) seconds.push(0);
    seconds[second]! += count;
  }

  get data(): ShareWindowData {
    return { latency: this.latency.data, sent: this.#sent, acknowledged: this.#acknowledged };
  }
}
