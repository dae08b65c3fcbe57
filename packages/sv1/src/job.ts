// The work of a mining.notify, with the names of SV2's jobs.

/** What does not change when a job is told again under another id or time. Bytes are in wire order. */
export interface Sv1Work {
  /** 32 bytes. */
  readonly prevHash: Uint8Array;
  /** Coinbase before extranonce1, without witness: `coinb1`. */
  readonly coinbasePrefix: Uint8Array;
  /** Coinbase after extranonce2: `coinb2`. */
  readonly coinbaseSuffix: Uint8Array;
  /** Siblings of the coinbase, deepest first, 32 bytes each: `merkle_branch`. */
  readonly merklePath: readonly Uint8Array[];
  readonly version: number;
  /** Compact target. */
  readonly nbits: number;
}

/** All of a mining.notify. */
export interface Sv1Job extends Sv1Work {
  readonly jobId: string;
  /** Unix seconds. */
  readonly ntime: number;
  /** Older jobs are void. */
  readonly cleanJobs: boolean;
}
