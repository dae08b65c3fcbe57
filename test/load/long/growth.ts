// Whether memory grows: its level at the beginning of a part of the run and at the end of it, each the middle of a tenth of the samples, so that
// where a collection fell does not decide.
import type { MemorySample } from './process-watch.ts';

const PART = 0.1;

export interface Growth {
  readonly fromBytes: number;
  readonly toBytes: number;
  /** Of the first level; 0.05: five per cent more. */
  readonly growth: number;
}

/** Of the last so many seconds. */
export function growthOf(samples: readonly MemorySample[], lastSeconds: number): Growth {
  const end = samples.at(-1)?.seconds ?? 0;
  const part = samples.filter(({ seconds }) => seconds >= end - lastSeconds).map(({ rssBytes }) => rssBytes);
  const count = Math.max(1, Math.floor(part.length * PART));
  const [fromBytes, toBytes] = [middleOf(part.slice(0, count)), middleOf(part.slice(-count))];
  return { fromBytes, toBytes, growth: toBytes / fromBytes - 1 };
}

function middleOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
