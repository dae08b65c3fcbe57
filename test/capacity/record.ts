// What one run of the model has found.
import type { LatencyHistogram } from '../load/measure/latency-histogram.ts';
import type { PoolSize } from './pool-size.ts';
import type { RealRun } from './real-runs.ts';
import type { Storm } from './scenarios.ts';
import type { ShareWayResult } from './share-way.ts';
import type { StormResult } from './storm.ts';

export interface SimulatedSize {
  readonly size: PoolSize;
  readonly oneCopy: ShareWayResult;
  readonly threeCopies: ShareWayResult;
  readonly tips: LatencyHistogram;
}

export interface CapacityRecord {
  readonly real: readonly RealRun[];
  readonly sizes: readonly SimulatedSize[];
  readonly storms: readonly { readonly storm: Storm; readonly result: StormResult }[];
}
