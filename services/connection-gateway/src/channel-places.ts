// How many channels there are, of the process and of each address: open ones, and those that are asked about.
import type { GatewayLimits } from './limits.ts';

export class ChannelPlaces {
  readonly #limits: Pick<GatewayLimits, 'channels' | 'channelsPerAddress'>;
  readonly #ofAddress = new Map<string, number>();
  #taken = 0;

  constructor(limits: Pick<GatewayLimits, 'channels' | 'channelsPerAddress'>) {
    this.#limits = limits;
  }

  /** Of the process. */
  get taken(): number {
    return this.#taken;
  }

  /** Which bound leaves no place for one more of this address. */
  fullFor(addressKey: string): 'address' | 'total' | undefined {
    if ((this.#ofAddress.get(addressKey) ?? 0) >= this.#limits.channelsPerAddress) return 'address';
    return this.#taken >= this.#limits.channels ? 'total' : undefined;
  }

  take(addressKey: string): void {
    this.#taken += 1;
    this.#ofAddress.set(addressKey, (this.#ofAddress.get(addressKey) ?? 0) + 1);
  }

  release(addressKey: string): void {
    this.#taken -= 1;
    const left = (this.#ofAddress.get(addressKey) ?? 1) - 1;
    if (left > 0) this.#ofAddress.set(addressKey, left);
    else this.#ofAddress.delete(addressKey);
  }
}
