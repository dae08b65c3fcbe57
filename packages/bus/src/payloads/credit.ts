// What a share-validator concludes from batches. Keyed by (incarnation, last batch): doing it again changes nothing.
import {
  bool,
  type FieldValue,
  f32,
  group,
  list,
  type Payload,
  type PayloadValue,
  payload,
  text,
  u8,
  u32,
  u48,
  u64,
  u256,
} from '../payload-codec.ts';

/** `kind` of a finding. */
export const findingKinds = {
  /** A record that cannot be decoded or names an entry of its tables that is not there. */
  malformed: 1,
  /** A share that the gateway acknowledged and that does not hold. */
  invalidShare: 2,
  /** The same share twice. */
  repeatedShare: 3,
  /** A batch number that was left out. */
  missingBatch: 4,
  /** A job that no distributor announced. */
  unknownJob: 5,
  /** A share whose time or tip contradicts the feed. */
  implausible: 6,
} as const;
export type FindingKind = (typeof findingKinds)[keyof typeof findingKinds];

/** `shareIndex` of a finding about a batch as a whole. */
export const WHOLE_BATCH = 0xffff_ffff;

const finding = group({
  /** One of `findingKinds`. */
  kind: u8,
  /** Index of the share in the batch, or WHOLE_BATCH. */
  shareIndex: u32,
  detail: text,
});
export type Finding = FieldValue<typeof finding>;

const fields = {
  incarnation: u64,
  batch: u64,
  /** Sequence of the batch in SHARES. */
  sequence: u64,
  /**
   * The incarnation's records have failed, in this batch or before: nobody is paid from this until a person has looked, which a later
   * record of the incarnation without it says.
   */
  held: bool,
  /**
   * What the next validator needs to go on: it reads the shares again from this sequence of SHARES on to know them when they are
   * repeated, and takes none for work that became current before feed number `floor`.
   */
  replayFrom: u64,
  floor: u64,
  /** Shares in the batch, good or not. */
  shares: u32,
  /** Work on blocks that pay the pool: what the pool owes its miners for. */
  credits: list(
    group({
      /** The account. */
      identity: text,
      worker: text,
      shares: u32,
      /** Sum of 2^256 / (target + 1) over the shares, each rounded down: expected hashes. */
      work: u256,
    }),
  ),
  findings: list(finding),
  creditedAtMicros: u64,
} as const;

const payingPool = payload('CreditBatch', 1, group(fields));
const current = payload(
  'CreditBatch',
  2,
  group({
    ...fields,
    /** Work on blocks that pay the miner itself: nobody is owed anything for it, and none of it stands in `credits`. */
    minerPaid: list(
      group({
        /** The address that its blocks pay. */
        identity: text,
        worker: text,
        /** Whole per cent of a block that the miner gives to the pool, 0 to 99. */
        poolPercent: u8,
        shares: u32,
        work: u256,
      }),
    ),
  }),
);

/**
 * One for each batch. One more of no shares, with the number of the last, says anew what has changed between two batches.
 * Version 1, which a stream may hold, is read as well: its `minerPaid` is empty.
 */
export const CreditBatch: Payload<PayloadValue<typeof current>> = {
  ...current,
  decode: (bytesIn) =>
    bytesIn[0] === payingPool.version ? { ...payingPool.decode(bytesIn), minerPaid: [] } : current.decode(bytesIn),
};
export type CreditBatch = PayloadValue<typeof CreditBatch>;

/** What was wrong with a record and whether the incarnation's credit is held for it, for people to look at. */
export const FindingReport = payload(
  'FindingReport',
  1,
  group({
    incarnation: u64,
    batch: u64,
    /** Sequence of the record in SHARES. */
    sequence: u64,
    held: bool,
    findings: list(finding),
    atMicros: u64,
  }),
);
export type FindingReport = PayloadValue<typeof FindingReport>;

/** Accepted work of a short while, for live views: of everybody, whomever their blocks pay. */
export const Statistics = payload(
  'Statistics',
  1,
  group({
    validator: text,
    fromMs: u48,
    toMs: u48,
    shares: u64,
    work: u256,
    workers: list(group({ identity: text, worker: text, shares: u32, work: u256, hashrate: f32 })),
  }),
);
export type Statistics = PayloadValue<typeof Statistics>;
