// The channels of the pool as people may look them up: an entry for each block of a gateway's channels, `<incarnation>.<block>`, as
// the gateway tells it. It decides nothing. Entries of a gateway whose beats have stopped are removed.
import type { Kv } from '@sluice/bus/bus';
import { ChannelBlock } from '@sluice/bus/payloads/channel';

/** A gateway that did not beat for this long is gone. */
export const GATEWAY_SILENCE_MS = 60_000;
/** How often silent gateways are looked for. */
export const SWEEP_MS = 60_000;
const READS_AT_ONCE = 64;
/** Gateways whose beats are known; beyond it those that are silent go, also where another process sweeps. */
const BEATS_BOUND = 4_096;

export class Registry {
  readonly #kv: Kv;
  readonly #clock: { monotonic(): number };
  readonly #lastBeat = new Map<string, number>();
  #sweptAt: number | undefined;
  /** Writes under way: gateways wait for their answers before they tell more. */
  pending = 0;
  /** Writes that came to nothing; the gateway tells again. */
  failed = 0;

  constructor(kv: Kv, clock: { monotonic(): number }) {
    this.#kv = kv;
    this.#clock = clock;
  }

  /** Takes a block as it came. Resolves when it is stored. Rejects as the bus does, and with `bus-bad-payload`. */
  async set(payload: Uint8Array): Promise<void> {
    const { incarnation, block, channels } = ChannelBlock.decode(payload);
    const key = `${incarnation}.${block}`;
    this.pending += 1;
    try {
      if (channels.length === 0) await this.#kv.delete(key);
      else await this.#kv.put(key, payload);
    } catch (error) {
      this.failed += 1;
      throw error;
    } finally {
      this.pending -= 1;
    }
  }

  /** How many channels of an account are known. Reads the whole registry: for people, not for the path of a share. */
  async count(account: string): Promise<number> {
    const keys = await this.#kv.keys();
    let found = 0;
    for (let from = 0; from < keys.length; from += READS_AT_ONCE) {
      const entries = await Promise.all(keys.slice(from, from + READS_AT_ONCE).map((key) => this.#kv.get(key)));
      for (const entry of entries) if (entry !== undefined) found += channelsOf(entry.value, account);
    }
    return found;
  }

  beat(incarnation: bigint): void {
    const now = this.#clock.monotonic();
    this.#lastBeat.set(String(incarnation), now);
    if (this.#lastBeat.size <= BEATS_BOUND) return;
    for (const [other, at] of this.#lastBeat) if (now - at > GATEWAY_SILENCE_MS) this.#lastBeat.delete(other);
  }

  /** Beats could not be heard for a while: every gateway gets the time of silence anew. */
  forgetBeats(): void {
    this.#lastBeat.clear();
  }

  /**
   * Removes the entries of gateways that are gone. One that was never heard gets the time of silence from this sweep on, and all of
   * them do when the sweep before is long ago: then this process or its bus was away, not they.
   */
  async sweep(): Promise<number> {
    const now = this.#clock.monotonic();
    if (this.#sweptAt === undefined || now - this.#sweptAt > 2 * SWEEP_MS) this.forgetBeats();
    let removed = 0;
    const present = new Set<string>();
    for (const key of await this.#kv.keys()) {
      const incarnation = key.split('.')[0] ?? '';
      present.add(incarnation);
      const beat = this.#lastBeat.get(incarnation);
      if (beat === undefined) this.#lastBeat.set(incarnation, now);
      else if (now - beat > GATEWAY_SILENCE_MS) {
        await this.#kv.delete(key);
        removed += 1;
      }
    }
    for (const [incarnation, beat] of this.#lastBeat) {
      if (!present.has(incarnation) && now - beat > GATEWAY_SILENCE_MS) this.#lastBeat.delete(incarnation);
    }
    this.#sweptAt = now;
    return removed;
  }
}

/** 0 for what is no block: entries of the release before. */
function channelsOf(value: Uint8Array, account: string): number {
  try {
    return ChannelBlock.decode(value).channels.filter((channel) => channel.account === account).length;
  } catch {
    return 0;
  }
}
