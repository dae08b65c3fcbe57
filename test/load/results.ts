// What a run has found, added up over its workers.
import type { LoadConfig } from './config.ts';
import type { LatencyHistogram } from './measure/latency-histogram.ts';
import type { OwnLoadData } from './measure/own-load.ts';
import type { TrafficRow } from './measure/traffic.ts';
import type { OpenPhase, ShareCounts } from './orders.ts';
import type { Mark, ServerUse } from './server-record.ts';
import type { StoredShares } from './stored-shares.ts';

export interface OpenResult {
  readonly seconds: number;
  readonly opened: number;
  readonly failed: ReadonlyMap<string, number>;
  readonly phases: Readonly<Record<OpenPhase, LatencyHistogram>>;
}

export interface ShareResult {
  /** Over the whole run. */
  readonly counts: ShareCounts;
  /** Of the measured part. */
  readonly seconds: number;
  readonly latency: LatencyHistogram;
  /** By second of the measured part. */
  readonly sent: readonly number[];
  readonly acknowledged: readonly number[];
  readonly hashes: readonly [least: number, most: number];
}

export interface TipRound {
  /** Hexadecimal, wire order. */
  readonly tip: string;
  readonly zero: 'announcement' | 'hook' | 'first connection told';
  readonly told: number;
  /** Milliseconds from zero. */
  readonly first: number;
  readonly last: number;
}

export interface TipResult {
  readonly rounds: readonly TipRound[];
  /** Rounds after which no new tip came to every connection in time. */
  readonly untold: number;
  readonly seconds: number;
  /** Over connections and rounds. */
  readonly fromZero: LatencyHistogram;
  readonly fromFirst: LatencyHistogram;
}

export interface RunResult {
  readonly config: LoadConfig;
  readonly startedAt: Date;
  readonly open: OpenResult;
  readonly reopen: OpenResult | undefined;
  readonly shares: ShareResult | undefined;
  readonly tips: TipResult | undefined;
  readonly stored: StoredShares | undefined;
  readonly openAtEnd: number;
  readonly lost: ReadonlyMap<string, number>;
  readonly servers: readonly ServerUse[];
  /** Monotonic milliseconds. */
  readonly marks: ReadonlyMap<Mark, number>;
  /** Of the measured part, by worker. */
  readonly own: readonly OwnLoadData[];
  readonly sent: readonly TrafficRow[];
  readonly received: readonly TrafficRow[];
}
