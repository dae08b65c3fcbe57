// The channels of the pool as people may look them up: a key for each, `<incarnation>.<connection>.<channel>`. It decides
// nothing; an entry that was lost costs a line in a list. Entries of a gateway whose beats have stopped are removed.
import type { Kv } from '@sluice/bus/bus';

/** Writes that may be under way; beyond it an entry is left out and counted. */
export const PENDING_WRITES_BOUND = 4_096;
/** A gateway that did not beat for this long is gone. */
export const GATEWAY_SILENCE_MS = 60_000;
/** How often silent gateways are looked for. */
export const SWEEP_MS = 60_000;
const READS_AT_ONCE = 64;

export interface ChannelName {
  readonly incarnation: bigint;
  readonly connectionId: number;
  readonly channelId: number;
}

export interface RegisteredChannel {
  readonly account: string;
  readonly worker: string;
  readonly remoteAddress: string;
  readonly vendor: string;
  readonly openedAtMs: number;
}

export class Registry {
  readonly #kv: Kv;
  readonly #clock: { monotonic(): number };
  readonly #lastBeat = new Map<string, number>();
  #sweptAt: number | undefined;
  #pending = 0;
  /** Entries that were left out or could not be written. */
  lost = 0;

  constructor(kv: Kv, clock: { monotonic(): number }) {
    this.#kv = kv;
    this.#clock = clock;
  }

  get pending(): number {
    return this.#pending;
  }

  /** Does not wait for the write. */
  add(name: ChannelName, channel: RegisteredChannel): void {
    this.#write(() => this.#kv.put(keyOf(name), Buffer.from(JSON.stringify(channel))));
  }

  /** Does not wait for the write. */
  remove(name: ChannelName): void {
    this.#write(() => this.#kv.delete(keyOf(name)));
  }

  /** How many channels of an account are known. Reads the whole registry: for people, not for the path of a share. */
  async count(account: string): Promise<number> {
    const keys = await this.#kv.keys();
    let found = 0;
    for (let from = 0; from < keys.length; from += READS_AT_ONCE) {
      const entries = await Promise.all(keys.slice(from, from + READS_AT_ONCE).map((key) => this.#kv.get(key)));
      found += entries.filter((entry) => entry !== undefined && accountOf(entry.value) === account).length;
    }
    return found;
  }

  beat(incarnation: bigint): void {
    this.#lastBeat.set(String(incarnation), this.#clock.monotonic());
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

  #write(write: () => Promise<unknown>): void {
    if (this.#pending >= PENDING_WRITES_BOUND) {
      this.lost += 1;
      return;
    }
    this.#pending += 1;
    write()
      .catch(() => {
        this.lost += 1;
      })
      .finally(() => {
        this.#pending -= 1;
      });
  }
}

function keyOf({ incarnation, connectionId, channelId }: ChannelName): string {
  return `${incarnation}.${connectionId}.${channelId}`;
}

function accountOf(value: Uint8Array): string | undefined {
  try {
    return (JSON.parse(Buffer.from(value).toString()) as RegisteredChannel).account;
  } catch {
    return undefined;
  }
}
