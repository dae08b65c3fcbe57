// What an upstream gives and takes, as the farm sees it.
import type { ShareTarget } from '@sluice/mining/share-target';
import type { ErrorCode } from '@sluice/sv2/error-codes';
import type { ShareAnswer } from '../miners/miner.ts';

/** Who is told what became of a share. */
export interface ShareOwner {
  answered(request: string, answer: ShareAnswer): void;

  /** The upstream refuses a share after it was answered as accepted. */
  refusedLate(code: ErrorCode<'SubmitShares.Error'>): void;
}

/** A share that goes up. Good during the call only. */
export interface UpstreamShare {
  readonly work: UpstreamWork;
  /** As long as `work.extranonceSize`. */
  readonly extranonce: Uint8Array;
  readonly nonce: number;
  readonly ntime: number;
  /** Of the header, in full. */
  readonly version: number;
  /** The TLV field that names its worker; `undefined`: it has no name that the field could carry. */
  readonly worker: Uint8Array | undefined;
}

/** One channel of one connection. */
export interface UpstreamLink {
  /** Whether shares can still be sent. */
  readonly isOpen: boolean;
  /** Whether a block is taken also when it is not open, to be sent as soon as there is another connection; absent: it is not. */
  readonly keepsBlocks?: boolean;

  /** Sends a share once; on a link that is not open it does nothing, but with a block that is kept. @param owner absent where the share is answered already. */
  submit(share: UpstreamShare, owner: ShareOwner | undefined, request: string): void;
}

/** A job on its tip. Hashes in wire order. */
export interface UpstreamWork {
  readonly link: UpstreamLink;
  /** The upstream's own number. */
  readonly jobId: number;
  readonly version: number;
  /** Whether the bits of BIP323 may be rolled. */
  readonly versionRollingAllowed: boolean;
  readonly prevHash: Uint8Array;
  readonly nbits: number;
  /** Unix seconds. */
  readonly minNtime: number;
  /** Ends with the channel's extranonce prefix. */
  readonly coinbasePrefix: Uint8Array;
  readonly coinbaseSuffix: Uint8Array;
  readonly merklePath: readonly Uint8Array[];
  /** Bytes that the channel rolls between prefix and suffix. */
  readonly extranonceSize: number;
  /** What a share for the upstream has to meet. */
  readonly target: ShareTarget;
}
