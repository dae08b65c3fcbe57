// Asks vardiff about every channel once a second, a twentieth of them at a time, whoever has them: ten thousand at once would be felt,
// and so would two thousand that are all given easier work.
import type { ChannelTargets } from './channel-targets.ts';
import type { GatewayChannel } from './channels.ts';

/** How often `tick` is to be called. */
export const VARDIFF_TICK_MS = 50;
const SLOTS = 20;

export class VardiffTicker {
  readonly #targets: ChannelTargets;
  /** Channels by when they are asked about. */
  readonly #slots: readonly Set<GatewayChannel>[] = Array.from({ length: SLOTS }, () => new Set());
  #slot = 0;

  constructor(targets: ChannelTargets) {
    this.#targets = targets;
  }

  add(channel: GatewayChannel): void {
    this.#slotOf(channel).add(channel);
  }

  remove(channel: GatewayChannel): void {
    this.#slotOf(channel).delete(channel);
  }

  /** `nowMs` is the monotonic clock's. */
  tick(nowMs: number): void {
    this.#slot = (this.#slot + 1) % SLOTS;
    for (const channel of this.#slots[this.#slot] ?? [])
      if (channel.connection.state === 'open') this.#targets.tick(channel, nowMs);
  }

  #slotOf({ channelKey }: GatewayChannel): Set<GatewayChannel> {
    return this.#slots[channelKey % SLOTS]!;
  }
}
