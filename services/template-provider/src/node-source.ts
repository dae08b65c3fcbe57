// Where tips and templates come from: a bitcoind, a Template Distribution server or the built-in simulated chain.
import type { CoinbaseReserve, PreparedTemplate } from './prepare-template.ts';

/** The node's active tip has become this block. Hashes in wire order. */
export interface TipNews {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** 80 bytes; a Template Distribution server tells the hash alone. */
  readonly header?: Uint8Array;
  readonly height: number;
  /** Expected hashes to reproduce the chain up to and with this block; 0: unknown. */
  readonly chainwork: bigint;
  /** Smallest header time of a block on this one, in Unix seconds. */
  readonly minNtime: number;
  /** Compact target of a block on this one; 0 where only the node can tell (retarget, a test network's special rule). */
  readonly nextNbits: number;
  /** When the news reached this process, in Unix microseconds. */
  readonly seenAtMicros: bigint;
}

/** Why a node gives no work at present; `undefined` means that it does. */
export type NodeTrouble =
  | 'unreachable'
  | 'initial-block-download'
  | 'wrong-network'
  | 'signet-challenge'
  | 'clock-skew'
  | 'unauthorized'
  | 'no-template'
  | 'untrusted'
  | 'setup-refused'
  | 'protocol-fault';

/** What told of a tip: the first question to the node, its announcement, or the poll that makes up for a lost one. */
export type TipOrigin = 'start' | 'announcement' | 'poll';

export interface NodeListener {
  onTip(news: TipNews, origin: TipOrigin): void;
  onTemplate(template: PreparedTemplate): void;
  /** `detail` is one line for the operator; `undefined` trouble means that the node is well again. */
  onHealth(trouble: NodeTrouble | undefined, detail: string): void;
}

/** A node's answer to a block (BIP22): `null` is accepted; `duplicate`, `inconclusive`, `prev-blk-not-found` … are its words. */
export type SubmitAnswer = string | null;

export interface NodeSource {
  /** Names the node in logs, metrics and stored answers; never holds a credential. */
  readonly name: string;
  /** Whether it tells of new tips by itself, before the poll can. */
  readonly announces: boolean;
  /** Resolves when the first tip and template have been delivered or the first trouble told. */
  start(listener: NodeListener): Promise<void>;
  /**
   * The newest template of the node prepared for another reserve; `base` itself when it keeps the same transactions, `undefined`
   * when `base` is not the newest any more, `no-room` when the node's templates cannot be made smaller. Never rejects.
   */
  variant(base: PreparedTemplate, reserve: CoinbaseReserve): Promise<PreparedTemplate | 'no-room' | undefined>;
  /** Rejects only when the node could not be asked. */
  submitBlock(block: Uint8Array): Promise<SubmitAnswer>;
  /** A block of the node's by its hash (wire order), serialized; `undefined` when the node has none. Rejects as `submitBlock` does. */
  block(hash: Uint8Array): Promise<Uint8Array | undefined>;
  /** Whether a block (hash in wire order) is in the node's active chain. Rejects as `submitBlock` does. */
  isInChain(hash: Uint8Array): Promise<boolean>;
  stop(): Promise<void>;
}
