// What the pool mines on: one extended job for each template, and the tip that a job stands on. Standard and group channels
// are served from the same object. Immutable; hashes in wire order.
import { compactToTarget, targetToBytes } from '@sluice/bitcoin/target';

/** One template as work for extended channels, from which that of standard ones is made. */
export interface ExtendedJob {
  /** A base, see job-id.ts. */
  readonly jobId: number;
  /** Height of the block that it would be. */
  readonly height: number;
  /** Header version; the bits of BIP323 may be rolled. */
  readonly version: number;
  readonly versionRollingAllowed: boolean;
  /** 32-byte siblings, deepest first [sv2 5.3.16]. */
  readonly merklePath: readonly Uint8Array[];
  /** Coinbase without witness, before and behind the full extranonce. */
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSuffix: Uint8Array;
  /** Whose template it is, and which; 0: a block of the coinbase alone, which every provider can assemble. */
  readonly provider: string;
  readonly templateId: bigint;
}

/** A job of the pool from a record of the feed: all of them let the bits of BIP323 be rolled. */
export function jobOf({
  jobId,
  height,
  version,
  merklePath,
  coinbasePrefix,
  coinbaseSuffix,
  provider,
  templateId,
}: Omit<ExtendedJob, 'versionRollingAllowed'>): ExtendedJob {
  return {
    jobId,
    height,
    version,
    versionRollingAllowed: true,
    merklePath,
    coinbasePrefix,
    coinbaseSuffix,
    provider,
    templateId,
  };
}

/** A block that is built upon. */
export interface Tip {
  /** Orders tips: grows with every activation. */
  readonly feed: number;
  /** 32 bytes. */
  readonly prevHash: Uint8Array;
  readonly nbits: number;
  /** Smallest header time, in Unix seconds. */
  readonly minNtime: number;
  /** The target of a block, 32 bytes little-endian. */
  readonly networkTarget: Uint8Array;
}

/** Throws the errors of `compactToTarget` for a compact target that is none. */
export function tipOf(fields: Omit<Tip, 'networkTarget'>): Tip {
  return { ...fields, networkTarget: targetToBytes(compactToTarget(fields.nbits)) };
}
