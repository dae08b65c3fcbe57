// What one measured part amounts to.
import type { ProcessSample } from '../measure/server-processes.ts';

/** What every process used up to a moment. */
export interface CpuMoment {
  readonly atMs: number;
  readonly samples: ReadonlyMap<string, ProcessSample>;
  /** Expected hashes of all shares that were credited. */
  readonly work: number;
}

/** CPU seconds a second, by process. */
export type CpuUse = ReadonlyMap<string, number>;

export interface RateFigures {
  readonly rate: number;
  readonly idle: CpuUse;
  readonly loaded: CpuUse;
  /** Of the miners, and of these that the pool was sent. */
  readonly shares: number;
  readonly sentUp: number;
  readonly work: number;
  readonly seconds: number;
}

/** What a miner's share is credited with. */
export const HASHES_A_SHARE = 4;
export const PROXY = 'proxy';

export function useBetween(from: CpuMoment, to: CpuMoment): CpuUse {
  const seconds = (to.atMs - from.atMs) / 1_000;
  return new Map(
    [...to.samples].map(([name, { cpuSeconds }]) => {
      const before = from.samples.get(name)?.cpuSeconds ?? Number.NaN;
      return [name, (cpuSeconds - before) / seconds];
    }),
  );
}

/** Of all processes of the pool. */
export const poolUse = (use: CpuUse) => [...use].reduce((sum, [name, part]) => sum + (name === PROXY ? 0 : part), 0);

/** CPU µs that a miner's share takes beyond what the idle connections take, of the pool. */
export const microsAShare = ({ idle, loaded, shares, seconds }: RateFigures) =>
  ((poolUse(loaded) - poolUse(idle)) * seconds * 1e6) / shares;

/** Of one process. */
export const microsOf = ({ idle, loaded, shares, seconds }: RateFigures, name: string) =>
  (((loaded.get(name) ?? Number.NaN) - (idle.get(name) ?? Number.NaN)) * seconds * 1e6) / shares;
