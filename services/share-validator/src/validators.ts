// Which validators are there, by their heartbeats, and who of them should work an incarnation. Only a proposal that spreads the work:
// that one alone does it is what leases and expected sequences are for.
import type { Bus, Subscription } from '@sluice/bus/bus';
import { isBusError } from '@sluice/bus/errors';
import { Heartbeat } from '@sluice/bus/payloads/control';
import { lastToken, subjectName } from '@sluice/bus/subjects';
import { type Clock, unixMicros } from '@sluice/runtime/clock';

const SERVICE = 'share-validator';
/** A validator that was silent for so long is not counted on. */
export const SILENCE_MS = 5_000;
/** Names remembered; a pool has a few validators. */
const VALIDATORS_BOUND = 256;

export interface OwnState {
  readonly ready: boolean;
  readonly incarnations: number;
  readonly troubles: readonly string[];
}

export class Validators {
  readonly #instance: string;
  readonly #bus: Bus;
  readonly #clock: Clock;
  /** When each other was heard last, by the monotonic clock. */
  readonly #heard = new Map<string, number>();
  #subscription: Subscription | undefined;

  constructor(instance: string, modules: { readonly bus: Bus; readonly clock: Clock }) {
    this.#instance = instance;
    this.#bus = modules.bus;
    this.#clock = modules.clock;
  }

  listen(): void {
    const pattern = subjectName('heartbeat', SERVICE, 'x').replace(/x$/, '*');
    this.#subscription = this.#bus.subscribe(pattern, (payload, subject) => this.#onBeat(payload, lastToken(subject)));
  }

  close(): void {
    this.#subscription?.close();
  }

  beat({ ready, incarnations, troubles }: OwnState): void {
    const beat = Heartbeat.encode({
      service: SERVICE,
      instance: this.#instance,
      incarnation: 0n,
      ready,
      connections: 0,
      channels: incarnations,
      feed: 0n,
      atMicros: unixMicros(this.#clock),
      troubles,
    });
    this.#bus.publish(subjectName('heartbeat', SERVICE, this.#instance), beat);
  }

  /** Those heard of lately and this one. */
  get present(): string[] {
    const since = this.#clock.monotonic() - SILENCE_MS;
    for (const [instance, at] of this.#heard) if (at < since) this.#heard.delete(instance);
    return [this.#instance, ...this.#heard.keys()];
  }

  /** Whether this validator is the one of those present that should work the incarnation (rendezvous hashing). */
  isOurs(incarnation: bigint): boolean {
    const scores = this.present.map((instance) => ({ instance, score: score(`${instance}/${incarnation}`) }));
    const best = scores.reduce((a, b) =>
      b.score > a.score || (b.score === a.score && b.instance > a.instance) ? b : a,
    );
    return best.instance === this.#instance;
  }

  #onBeat(payload: Uint8Array, instance: string): void {
    if (instance === this.#instance) return;
    try {
      if (!Heartbeat.decode(payload).ready) this.#heard.delete(instance);
      else if (this.#heard.size < VALIDATORS_BOUND) this.#heard.set(instance, this.#clock.monotonic());
    } catch (error) {
      if (!isBusError(error, 'bus-bad-payload')) throw error;
    }
  }
}

/** FNV-1a, 32 bits, with a last mixing: names that differ in one digit must not score alike. */
function score(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
