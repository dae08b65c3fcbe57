// A block template as a node gives it (BIP22, BIP23, BIP145), in bytes and numbers; hashes in wire order.

/** One transaction of a template, in block order: each stands behind all that it spends. */
export interface TemplateTransaction {
  /** Full serialization, with witness where it has one. */
  readonly data: Uint8Array;
  /** 32 bytes. */
  readonly txid: Uint8Array;
  /** 32 bytes; equal to the txid without a witness. */
  readonly wtxid: Uint8Array;
  /** Satoshis. */
  readonly fee: bigint;
  /** Signature operation cost as BIP141 counts it (legacy operations times four). */
  readonly sigopsCost: number;
  /** Weight units. */
  readonly weight: number;
}

/** What a node offers for the block on top of `previousBlockHash`. */
export interface BlockTemplate {
  readonly height: number;
  /** 32 bytes. */
  readonly previousBlockHash: Uint8Array;
  readonly version: number;
  readonly nbits: number;
  /** Smallest header time the node accepts, in Unix seconds: median time past + 1, or later where a network's rule asks it. */
  readonly minTime: number;
  /** The node's own time, in Unix seconds. */
  readonly currentTime: number;
  /** Subsidy and all fees, in satoshis. */
  readonly coinbaseValue: bigint;
  /** Limits of a whole block: weight units and signature operation cost. */
  readonly weightLimit: number;
  readonly sigopsCostLimit: number;
  readonly transactions: readonly TemplateTransaction[];
}
