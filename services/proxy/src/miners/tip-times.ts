// From which header time on shares on a tip are good to all upstreams and channels that a miner may have been given it by. Without that a
// miner that goes to one which told an earlier time would find shares that its first one forbids.

/** Tips that are remembered: upstreams hear of a block one after the other. */
const TIPS_BOUND = 4;

export class TipTimes {
  /** By previous hash, the oldest tip first. */
  readonly #times = new Map<string, number>();

  /** The latest of all smallest times that were told for this tip. @param prevHash 32 bytes. @param minNtime that of an upstream, Unix seconds. */
  latest(prevHash: Uint8Array, minNtime: number): number {
    const tip = Buffer.from(prevHash.buffer, prevHash.byteOffset, prevHash.length).toString('latin1');
    const before = this.#times.get(tip) ?? 0;
    if (before >= minNtime) return before;
    this.#times.set(tip, minNtime);
    const [oldest] = this.#times.keys();
    if (this.#times.size > TIPS_BOUND && oldest !== undefined) this.#times.delete(oldest);
    return minNtime;
  }
}
