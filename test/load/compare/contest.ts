// Two programs that do the same, and what they stand on: what a comparison needs to know of them.
import type { LoadConfig } from '../config.ts';
import type { NamedProcess } from '../measure/server-processes.ts';
import { show } from '../report/table.ts';
import type { RunResult } from '../results.ts';
import type { LoadRunHooks } from '../run.ts';
import type { RowLoadOptions } from './row-load.ts';
import type { Row } from './rows.ts';

export const sides = ['peer', 'ours'] as const;
export type Side = (typeof sides)[number];

/** One of the two, with new processes. */
export interface Contender {
  readonly url: string;
  /** All that are counted. */
  readonly processes: readonly NamedProcess[];
  /** Further flags for loads of shares. */
  readonly loadFlags: readonly string[];
  /** What the run asks of it. */
  readonly hooks: LoadRunHooks;
  /** What to read when something failed. */
  logs(): string;
  stop(): Promise<void>;
}

/** How services of ours are looked into. They end in order then, because some leave what they know when they end. */
export interface Observation {
  /** Of Node itself, for the process of this service. */
  nodeFlags(service: string): readonly string[];
}

export interface MethodOptions {
  readonly quick: boolean;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly warmUpTips: number;
  /** After a start, before the load. */
  readonly restMs: number;
}

/** What goes before that counts, in words. */
export const warmUpText = ({ seconds, warmUpSeconds, warmUpTips }: MethodOptions): string =>
  `Loads of shares: ${show(warmUpSeconds)} s before anything counts, because V8 compiles then what a process of months has compiled long ago, and then ${show(seconds)} s; of tips ${warmUpTips} go before those that count.`;

export interface Contest {
  /** `npm run` this; its section of the document has its name. */
  readonly command: string;
  /** Heading of that section. */
  readonly title: string;
  readonly names: Readonly<Record<Side, string>>;
  /** Whether what a share costs depends on the disk. */
  readonly syncsToDisk: boolean;
  /** Builds and starts what both stand on. @param quick with less of it, to try the tool out. */
  open(quick: boolean): Promise<void>;
  /** Versions of what takes part. @param withPeer whether the peer does. */
  versions(withPeer: boolean): Promise<readonly string[]>;
  /** @param observation of ours */
  start(side: Side, row: Row, observation?: Observation): Promise<Contender>;
  load(row: Row, contender: Contender, options: RowLoadOptions): LoadConfig;
  /** After a good run, before its contender is stopped: what is to be said of it. */
  note(side: Side, result: RunResult): Promise<void>;
  /** After a contender was stopped: nothing of it must be left. */
  settle(): Promise<void>;
  /** What was the same for both and what was not, in lines. */
  method(options: MethodOptions): readonly string[];
  /** Ends all but a contender. */
  close(): Promise<void>;
}
