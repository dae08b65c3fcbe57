// What the live view shows at one moment: plain numbers, gathered once a second.

export interface BlockSeen {
  readonly height: number;
  /** Hexadecimal, as explorers show it. */
  readonly hash: string;
  /** `account.worker` that found it. */
  readonly worker: string;
  /** Satoshis of all outputs of its coinbase. */
  readonly reward: bigint;
  /** What the node said: `accepted`, or its own word. */
  readonly answer: string;
  /** Unix milliseconds. */
  readonly atMs: number;
}

export interface WorkerSeen {
  /** `account.worker`. */
  readonly name: string;
  /** Hashes a second, from accepted work. */
  readonly hashrate: number;
  /** Unix milliseconds. */
  readonly lastShareAtMs: number;
  /** Shares refused on its channels that are open now. */
  readonly rejected: number;
}

export interface Snapshot {
  /** Unix milliseconds. */
  readonly nowMs: number;
  readonly uptimeMs: number;
  readonly version: string;
  /** Where blocks go: `simulated chain` or the node and its network. */
  readonly chain: string;
  /** Height of the tip; 0 while it is not known. */
  readonly height: number;
  /** `stratum2+tcp://host:port/key`, one for each address of this machine that serves. */
  readonly urls: readonly string[];
  /** Where blocks pay to. */
  readonly payout: string;
  readonly connections: number;
  readonly channels: number;
  /** Hashes a second, from the work of accepted shares. */
  readonly hashrate: number;
  /** Of the next block; `undefined` while it is not known. */
  readonly networkDifficulty: number | undefined;
  /** Of the best share of this run; 0 before the first. */
  readonly bestDifficulty: number;
  readonly accepted: number;
  /** Rejected shares by wire error code, without the ones that never happened. */
  readonly rejected: ReadonlyMap<string, number>;
  /** Shares credited since the pool was first started here, earlier runs included. */
  readonly creditedEver: number;
  /** Shares of earlier runs that were read back at the start. */
  readonly readBack: number;
  /** Blocks accepted since the pool was first started here. */
  readonly blocks: number;
  /** The newest first. */
  readonly latestBlocks: readonly BlockSeen[];
  /** The fastest first. */
  readonly workers: readonly WorkerSeen[];
  /** Why the pool is not ready, if it is not. */
  readonly waitingFor: readonly string[];
  /** The last log lines, oldest first. */
  readonly notices: readonly string[];
}
