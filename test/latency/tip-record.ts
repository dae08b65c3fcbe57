// When each new tip was announced, passed the bus and reached the miners: stamps of one clock, `process.hrtime`.

export type Hop = 'tip' | 'activate' | 'template';

/** Milliseconds after the announcement; NaN: not seen. */
export interface Tip {
  /** The call that made bitcoind mine the block: negative. */
  readonly call: number;
  readonly tip: number;
  readonly activate: number;
  readonly first: number;
  readonly last: number;
  /** Miners that were told. */
  readonly tellings: number;
  /** At the announcement, the template of the tip before had not been published. */
  readonly templatePending: boolean;
}

interface Stamps {
  called?: bigint;
  announced?: bigint;
  tip?: bigint;
  activate?: bigint;
  template?: bigint;
  first?: bigint;
  last?: bigint;
  tellings: number;
}

export class TipRecord {
  /** By block hash, hexadecimal in wire order; in the order of first mention, which is that of the chain. */
  readonly #stamps = new Map<string, Stamps>();

  called(hash: string, at: bigint): void {
    this.#of(hash).called = at;
  }

  announced(hash: string, at: bigint): void {
    this.#of(hash).announced = at;
  }

  onBus(hop: Hop, hash: Uint8Array): void {
    this.#of(Buffer.from(hash).toString('hex'))[hop] ??= process.hrtime.bigint();
  }

  /** A miner has read SetNewPrevHash. */
  told(prevHash: Uint8Array): void {
    const now = process.hrtime.bigint();
    const stamps = this.#of(Buffer.from(prevHash).toString('hex'));
    stamps.first ??= now;
    stamps.last = now;
    stamps.tellings += 1;
  }

  /** Miners that were told of this tip. */
  tellings(hash: string): number {
    return this.#stamps.get(hash)?.tellings ?? 0;
  }

  /** Every tip that was announced and reached a miner, oldest first. */
  get tips(): readonly Tip[] {
    const tips: Tip[] = [];
    let before: Stamps | undefined;
    for (const stamps of this.#stamps.values()) {
      const { announced, first } = stamps;
      if (announced !== undefined && first !== undefined) {
        const after = (at: bigint | undefined) => (at === undefined ? Number.NaN : Number(at - announced) / 1e6);
        tips.push({
          call: after(stamps.called),
          tip: after(stamps.tip),
          activate: after(stamps.activate),
          first: after(first),
          last: after(stamps.last),
          tellings: stamps.tellings,
          templatePending: before !== undefined && (before.template === undefined || before.template > announced),
        });
      }
      before = stamps;
    }
    return tips;
  }

  #of(hash: string): Stamps {
    let stamps = this.#stamps.get(hash);
    if (stamps === undefined) {
      stamps = { tellings: 0 };
      this.#stamps.set(hash, stamps);
    }
    return stamps;
  }
}

/** Nearest rank: `percentile(values, 0.99)` is the smallest value that 99 of 100 do not exceed; of none: NaN. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}
