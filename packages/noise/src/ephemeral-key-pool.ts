// Ephemeral keys made ahead of time: making one is about a third of a responder's handshake, and a burst of connections comes
// when there is no time for it. The owner of the event loop says when to fill.
import { type EcBackend, generateKeyPair, type KeyPair, type RandomBytes } from './ec.ts';

/** How many keys are made, and of what. */
export interface EphemeralKeyPoolOptions {
  readonly ec: EcBackend;
  readonly random: RandomBytes;
  /** Keys held at most. */
  readonly capacity: number;
}

/** Keys of one thread; each leaves the pool once. */
export class EphemeralKeyPool {
  readonly #ec: EcBackend;
  readonly #random: RandomBytes;
  readonly #capacity: number;
  readonly #pairs: KeyPair[] = [];

  constructor({ ec, random, capacity }: EphemeralKeyPoolOptions) {
    this.#ec = ec;
    this.#random = random;
    this.#capacity = capacity;
  }

  /** Keys that are ready. */
  get size(): number {
    return this.#pairs.length;
  }

  /** A key that nobody had before; belongs to the caller, who zeroes it. Made on the spot when none is ready. */
  take(): KeyPair {
    return this.#pairs.pop() ?? generateKeyPair(this.#ec, this.#random);
  }

  /** Makes at most `count` keys: call it with few when the event loop is idle. Returns whether there is room for more. */
  fill(count: number): boolean {
    for (let made = 0; made < count && this.#pairs.length < this.#capacity; made++) {
      this.#pairs.push(generateKeyPair(this.#ec, this.#random));
    }
    return this.#pairs.length < this.#capacity;
  }

  /** Zeroes the keys that nobody took. */
  clear(): void {
    for (const { secret } of this.#pairs.splice(0)) secret.fill(0);
  }
}
