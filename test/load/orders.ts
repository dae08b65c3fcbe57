// What the main process tells its workers and what they answer.
import type { HistogramData } from './measure/latency-histogram.ts';
import type { OwnLoadData } from './measure/own-load.ts';
import type { ShareWindowData } from './measure/share-window.ts';
import type { TrafficData } from './measure/traffic.ts';
import type { PoolAddress } from './pool-address.ts';

/** A standard channel with jobs of its own, an extended one, or a standard one that gets the jobs of its group. */
export const channelKinds = ['standard', 'extended', 'group'] as const;
export type ChannelKind = (typeof channelKinds)[number];

/** Given to a worker at its start: it has the connections `worker`, `worker + workers`, … below `connections`. */
export interface WorkerPlan {
  readonly worker: number;
  readonly workers: number;
  readonly connections: number;
  readonly pools: readonly PoolAddress[];
  /** To connect from, in turn; none: the system's choice. */
  readonly localAddresses: readonly string[];
  readonly kind: ChannelKind;
  readonly channels: number;
  readonly identity: string;
  readonly hashrate: number;
  /** 32 bytes. */
  readonly maxTarget: Uint8Array;
  readonly sendBlocks: boolean;
}

export interface OpenOptions {
  /** Connections of this worker that open at the same time. */
  readonly atOnce: number;
  /** Of this worker; absent: as fast as they open. */
  readonly perSecond: number | undefined;
}

export const openPhases = ['TCP', 'handshake', 'setup', 'channels', 'first jobs', 'open'] as const;
export type OpenPhase = (typeof openPhases)[number];

/** Instants are milliseconds of the clock that all processes share. */
export interface OpenAnswer {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly opened: number;
  /** By reason. */
  readonly failed: ReadonlyMap<string, number>;
  readonly phases: Readonly<Record<OpenPhase, HistogramData>>;
  readonly own: OwnLoadData;
}

export type ShareOptions =
  | { readonly mode: 'pipelined'; readonly inFlight: number }
  | { readonly mode: 'paced'; readonly perSecond: number; readonly startAt: number };

export interface ShareCounts {
  readonly sent: number;
  /** As the Success messages count them. */
  readonly acknowledged: number;
  readonly refused: ReadonlyMap<string, number>;
  /** Refused as stale when a tip had come after they were sent: nobody's fault. */
  readonly overtaken: number;
  readonly unanswered: number;
  /** Answers that name a share which was not waiting, or count wrongly. */
  readonly miscounted: number;
  /** Of a steady rate, left out because their time was over. */
  readonly skipped: number;
  readonly blocksHeldBack: number;
}

export interface ShareAnswer {
  readonly counts: ShareCounts;
  readonly window: ShareWindowData;
  /** Expected hashes of a share: least and most over the channels. */
  readonly hashes: readonly [least: number, most: number];
  /** Acknowledged by extranonce prefix, in hexadecimal. */
  readonly channels: ReadonlyMap<string, number>;
}

export interface TipStamps {
  /** When each connection was told; NaN: it was not, or is not timed. */
  readonly told: Float64Array;
}

export interface StateAnswer {
  readonly open: number;
  /** Connections that ended and were not ended here, by reason. */
  readonly lost: ReadonlyMap<string, number>;
  readonly sent: TrafficData;
  readonly received: TrafficData;
}

/** Every order with its argument and its answer. */
export interface Orders {
  readonly prepare: { readonly argument: WorkerPlan; readonly answer: null };
  readonly open: { readonly argument: OpenOptions; readonly answer: OpenAnswer };
  readonly close: { readonly argument: null; readonly answer: null };
  readonly startShares: { readonly argument: ShareOptions; readonly answer: null };
  /** At which instant; resolves then. */
  readonly beginWindow: { readonly argument: number; readonly answer: null };
  readonly endWindow: { readonly argument: number; readonly answer: OwnLoadData };
  /** Resolves when everything is answered, or after so many milliseconds. */
  readonly stopShares: { readonly argument: number; readonly answer: ShareAnswer };
  /** How many connections of this worker are timed; 0: all. */
  readonly watchTips: { readonly argument: number; readonly answer: null };
  readonly tips: { readonly argument: null; readonly answer: ReadonlyMap<string, TipStamps> };
  readonly state: { readonly argument: null; readonly answer: StateAnswer };
}

export interface OrderMessage<K extends keyof Orders = keyof Orders> {
  readonly kind: K;
  readonly argument: Orders[K]['argument'];
}

export interface Progress {
  readonly open: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly refused: number;
}

/** From a worker: the answer to its oldest order, or news. */
export type WorkerMessage =
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'progress'; readonly progress: Progress }
  /** All its open connections were told of a tip: hash in hexadecimal, wire order. */
  | { readonly kind: 'told'; readonly tip: string };
