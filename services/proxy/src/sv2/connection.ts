// One SV2 miner's connection and its channels. The socket itself is the server package's.
import type { Duplex } from 'node:stream';
import { PeerConnection, type PeerModules } from '@sluice/server/peer-connection';
import { miningClientFlags } from '@sluice/sv2/flags';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import type { Channel } from './channel.ts';
import type { Sv2CloseReason, Sv2OwnCloseReason } from './errors.ts';
import type { JobFrames } from './job-frames.ts';
import { GROUP_CHANNEL_ID, JobGroup } from './job-group.ts';
import type { Sv2Limits } from './limits.ts';

/** What every connection of the process shares. */
export interface ConnectionModules extends PeerModules<Sv2CloseReason> {
  readonly limits: Sv2Limits;
  readonly jobs: JobFrames;
  /** One decrypted frame; `payload` is only valid during the call. */
  route(connection: Connection, extensionType: number, msgType: number, payload: Uint8Array): void;
  onClosed(connection: Connection): void;
}

export class Connection extends PeerConnection<Sv2OwnCloseReason> {
  /** By id. */
  readonly channels = new Map<number, Channel>();
  /** Extension 0x0002 was negotiated: shares may name a worker. */
  namesWorkers = false;
  /** `undefined`: the device takes standard jobs only, so each channel has its own. */
  group: JobGroup | undefined;
  readonly #modules: ConnectionModules;
  #lastChannel = GROUP_CHANNEL_ID;
  /** When the connection last had a channel. */
  #channelAt: number;

  constructor(id: number, socket: Duplex, remoteAddress: string, modules: ConnectionModules) {
    super(id, socket, remoteAddress, modules);
    this.#modules = modules;
    this.#channelAt = modules.clock.monotonic();
  }

  override opened(setup: SetupConnection): void {
    super.opened(setup);
    if (!this.requires('REQUIRES_STANDARD_JOBS')) this.group = new JobGroup(this.writer, this.#modules.jobs);
  }

  /** Whether the client has set this flag of SetupConnection. */
  requires(flag: keyof typeof miningClientFlags): boolean {
    return this.setup !== undefined && (this.setup.flags & miningClientFlags[flag]) !== 0;
  }

  /** The next channel id; an id is never used again on the connection. */
  nextChannelId(): number {
    this.#lastChannel += 1;
    return this.#lastChannel;
  }

  /** Shares whose answers have not left. */
  get waitingShares(): number {
    let waiting = 0;
    for (const { answers } of this.channels.values()) waiting += answers.size;
    return waiting;
  }

  override sweep(nowMs: number): void {
    if (this.state !== 'open' || this.channels.size > 0) this.#channelAt = nowMs;
    if (nowMs - this.#channelAt >= this.#modules.limits.channelDeadlineMs) this.end('channel-timeout');
    else super.sweep(nowMs);
  }

  protected onFrame(extensionType: number, msgType: number, payload: Uint8Array): void {
    this.#modules.route(this, extensionType, msgType, payload);
  }

  protected onLeft(): void {
    for (const channel of this.channels.values()) channel.close();
    this.channels.clear();
    this.#modules.onClosed(this);
  }
}
