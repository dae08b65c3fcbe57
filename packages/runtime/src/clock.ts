// Time as an argument: services are given a clock, so that tests decide what time it is.

export interface Clock {
  /** Unix time in milliseconds; may jump when the host's clock is set. */
  now(): number;
  /** Milliseconds from an arbitrary start, with fractions; never goes back. For durations and deadlines. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** Unix time in microseconds: what news and solutions are stamped with. */
export function unixMicros(clock: Clock): bigint {
  return BigInt(Math.round(clock.now() * 1000));
}

/** Unix time in whole seconds: header times and certificates. */
export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}

/** A clock that a test moves. */
export class ManualClock implements Clock {
  #now: number;
  #monotonic = 0;

  /** @param now Unix milliseconds at the start. */
  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.#now += ms;
    this.#monotonic += ms;
  }

  /** Sets the host's clock: `monotonic` does not notice. */
  set(now: number): void {
    this.#now = now;
  }
}
