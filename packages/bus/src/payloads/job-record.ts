// The feed: what every gateway and validator knows about work, in one total order. A record's `feed` is its sequence in the stream
// and its `epoch` the lease of the writer, so a reader that got a refused record live knows it by the numbers (see feed.ts).
import {
  bool,
  bytes,
  hash32,
  list,
  type PayloadValue,
  payload,
  text,
  u32,
  u64,
  u256,
  variants,
} from '../payload-codec.ts';

const position = {
  /** Lease of the leading job-distributor: grows with each leader. */
  epoch: u64,
  /** Sequence of this record in the stream. */
  feed: u64,
  /** Feed number from which a late joiner reads to hold all that is current: the tip, its jobs, the next future job. */
  replayFrom: u64,
} as const;

export const JobRecord = payload(
  'JobRecord',
  1,
  variants({
    newJob: {
      ...position,
      /** One sequence for the whole pool, over all leaders. */
      jobId: u32,
      /** Whose template it is; empty for a coinbase-only job, which any provider can assemble. */
      provider: text,
      /** 0: coinbase-only. */
      templateId: u64,
      /** To be activated by a later `activate`; else it is work on the current tip from now on. */
      future: bool,
      height: u32,
      version: u32,
      /** The tip it mines on; of a future job the block that the activating tip must have as parent, or, for a job activated at once, that tip. */
      prevHash: hash32,
      /** Compact target; of a future job what was known when it was made (0: unknown), `activate` rules. */
      nbits: u32,
      minNtime: u32,
      merklePath: list(hash32),
      /** Serialized coinbase without witness, before and behind the 20 bytes of extranonce. */
      coinbasePrefix: bytes,
      coinbaseSuffix: bytes,
      createdAtMicros: u64,
    },
    activate: {
      ...position,
      /** A future job that was announced before. */
      jobId: u32,
      /** The new tip. */
      prevHash: hash32,
      nbits: u32,
      minNtime: u32,
      /** Height of the block being mined: tip + 1. */
      height: u32,
      /** Work of the chain up to and with `prevHash`. */
      chainwork: u256,
      /** When the news reached the provider, in Unix microseconds. */
      seenAtMicros: u64,
    },
  }),
);
export type JobRecord = PayloadValue<typeof JobRecord>;
export type NewJob = Extract<JobRecord, { kind: 'newJob' }>;
export type Activate = Extract<JobRecord, { kind: 'activate' }>;
