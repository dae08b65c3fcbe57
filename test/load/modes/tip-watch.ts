// When each connection of a worker was told of each tip: by its first SetNewPrevHash for that block.
import type { MinerConnection } from '../miner-connection.ts';
import type { TipStamps } from '../orders.ts';

interface Tip {
  readonly told: Float64Array;
  count: number;
}

export class TipWatch {
  readonly #connections: readonly MinerConnection[];
  readonly #onAllTold: (tip: string) => void;
  readonly #tips = new Map<string, Tip>();
  readonly #lastHash = new Uint8Array(32);
  #last: Tip | undefined;

  constructor(connections: readonly MinerConnection[], onAllTold: (tip: string) => void) {
    this.#connections = connections;
    this.#onAllTold = onAllTold;
  }

  told({ slot }: MinerConnection, prevHash: Uint8Array, now: number): void {
    const tip = this.#tipOf(prevHash);
    if (!Number.isNaN(tip.told[slot])) return;
    tip.told[slot] = now;
    tip.count += 1;
    if (tip.count === this.#connections.length) this.#onAllTold(nameOf(prevHash));
  }

  #tipOf(prevHash: Uint8Array): Tip {
    if (this.#last !== undefined && Buffer.compare(this.#lastHash, prevHash) === 0) return this.#last;
    const name = nameOf(prevHash);
    let tip = this.#tips.get(name);
    if (tip === undefined) {
      tip = { told: new Float64Array(this.#connections.length).fill(Number.NaN), count: 0 };
      this.#tips.set(name, tip);
    }
    this.#lastHash.set(prevHash);
    this.#last = tip;
    return tip;
  }

  /** By hash: hexadecimal, wire order. */
  get stamps(): ReadonlyMap<string, TipStamps> {
    return new Map([...this.#tips].map(([name, { told }]) => [name, { told }]));
  }
}

function nameOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}
