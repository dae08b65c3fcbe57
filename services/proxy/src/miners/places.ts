// Places of miners on a channel: two bytes of the extranonce. A place that was given back is given out again as late as possible, because jobs
// that its last miner had are still accepted.

/** Bytes of the extranonce that tell miners apart. */
export const PLACE_SIZE = 2;
/** From 1 on; 0 is not given out. */
export const PLACES_BOUND = 65_535;

export class Places {
  readonly #taken = new Uint8Array(PLACES_BOUND + 1);
  #last = 0;
  #count = 0;

  /** Places that are taken. */
  get count(): number {
    return this.#count;
  }

  /** `undefined`: all are taken. */
  take(): number | undefined {
    if (this.#count === PLACES_BOUND) return undefined;
    do this.#last = this.#last === PLACES_BOUND ? 1 : this.#last + 1;
    while (this.#taken[this.#last] === 1);
    this.#taken[this.#last] = 1;
    this.#count += 1;
    return this.#last;
  }

  release(place: number): void {
    if (this.#taken[place] !== 1) return;
    this.#taken[place] = 0;
    this.#count -= 1;
  }
}

/** As it stands in the extranonce. */
export function placeBytes(place: number): Uint8Array {
  return Uint8Array.of(place >>> 8, place);
}
