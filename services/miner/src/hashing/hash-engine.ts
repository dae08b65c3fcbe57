// Something that hashes: on the calling thread, or on one of its own.

/** Headers from `first` on, `count` of them (a multiple of four), that differ in the nonce alone. */
export interface SearchRange {
  /** 80 bytes; the nonce is of no account. */
  readonly header: Uint8Array;
  /** 32 bytes, wire order. */
  readonly target: Uint8Array;
  /** Position in the order of NonceSearch, not the nonce itself. */
  readonly first: number;
  readonly count: number;
}

export interface SearchResult {
  /** Nonces whose headers meet the target. */
  readonly nonces: readonly number[];
  /** Time that the search took. */
  readonly milliseconds: number;
}

/** One search at a time. */
export interface HashEngine {
  /** How long one search should take at most: what a new tip waits for. */
  readonly sliceMs: number;
  search(range: SearchRange): Promise<SearchResult>;
  close(): Promise<void>;
}
