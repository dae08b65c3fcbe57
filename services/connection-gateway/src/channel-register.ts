// What the channel-manager's registry is to know of this gateway's channels. They are told in blocks, a block as a whole when something in it
// has changed: a storm of connections is few writes, and what was lost on the way is told again.
import { BLOCK_CHANNELS, type ChannelBlock } from '@sluice/bus/payloads/channel';
import { printable } from '@sluice/sv2/text';
import type { GatewayChannel } from './channels.ts';

/** Blocks that are told at the same time: what it takes to put together those of ten thousand channels would be felt. */
const BLOCKS_TOGETHER = 16;

export class ChannelRegister {
  readonly #incarnation: bigint;
  readonly #tell: (block: ChannelBlock) => Promise<boolean>;
  readonly #blocks = new Map<number, Set<GatewayChannel>>();
  readonly #changed = new Set<number>();
  #telling = false;
  #size = 0;

  /** @param tell resolves with whether the registry has the block. */
  constructor(incarnation: bigint, tell: (block: ChannelBlock) => Promise<boolean>) {
    this.#incarnation = incarnation;
    this.#tell = tell;
  }

  /** Channels. */
  get size(): number {
    return this.#size;
  }

  /** Blocks that the registry does not have as they are. */
  get waiting(): number {
    return this.#changed.size;
  }

  add(channel: GatewayChannel): void {
    const block = blockOf(channel);
    const channels = this.#blocks.get(block);
    if (channels === undefined) this.#blocks.set(block, new Set([channel]));
    else channels.add(channel);
    this.#size += 1;
    this.#changed.add(block);
  }

  remove(channel: GatewayChannel): void {
    const block = blockOf(channel);
    const channels = this.#blocks.get(block);
    if (channels?.delete(channel) !== true) return;
    this.#size -= 1;
    if (channels.size === 0) this.#blocks.delete(block);
    this.#changed.add(block);
  }

  /** What the registry has is told anew: while no beat of this gateway was heard it may have forgotten all. */
  tellAll(): void {
    for (const block of this.#blocks.keys()) this.#changed.add(block);
  }

  /** Tells what has changed, called about once a second; nothing while answers are out, so that no block is overtaken by itself as it was before. */
  async flush(): Promise<void> {
    if (this.#telling) return;
    this.#telling = true;
    const blocks = [...this.#changed];
    // Without an answer there is none to the others; they are told with the next call, and those of a gateway that is gone are swept.
    for (let from = 0, isThere = true; isThere && from < blocks.length; from += BLOCKS_TOGETHER)
      isThere = await this.#tellTogether(blocks.slice(from, from + BLOCKS_TOGETHER));
    this.#telling = false;
  }

  /** Resolves with whether the registry has all of them. */
  async #tellTogether(blocks: readonly number[]): Promise<boolean> {
    for (const block of blocks) this.#changed.delete(block);
    const told = await Promise.all(blocks.map((block) => this.#tell(this.#block(block))));
    for (const [index, block] of blocks.entries()) if (!told[index]) this.#changed.add(block);
    return told.every(Boolean);
  }

  #block(block: number): ChannelBlock {
    const channels = [...(this.#blocks.get(block) ?? [])].map(({ id, connection, identity, worker, openedAtMs }) => ({
      connectionId: connection.id,
      channelId: id,
      account: identity,
      worker,
      remoteAddress: connection.remoteAddress,
      vendor: printable(connection.setup?.vendor ?? ''),
      openedAtMs,
    }));
    return { incarnation: this.#incarnation, block, channels };
  }
}

function blockOf({ channelKey }: GatewayChannel): number {
  return Math.floor(channelKey / BLOCK_CHANNELS);
}
