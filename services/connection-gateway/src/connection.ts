// One miner's connection: its channels and what the gateway keeps beside them. The socket itself is the server package's.
import type { Duplex } from 'node:stream';
import { PeerConnection, type PeerModules } from '@sluice/server/peer-connection';
import { miningClientFlags } from '@sluice/sv2/flags';
import { ConnectionChannels } from './channels.ts';
import type { CloseReason, GatewayCloseReason } from './errors.ts';
import type { GatewayLimits } from './limits.ts';
import { WorkMeter } from './work-meter.ts';

/** How jobs reach the channels of a connection: by messages to their groups, by messages to each, or not at all (the miner brings its own jobs). */
export type JobDelivery = 'group' | 'own' | 'none';

/** What every connection of the process shares. */
export interface ConnectionModules extends PeerModules<CloseReason> {
  readonly limits: GatewayLimits;
  /** One decrypted frame; `payload` is only valid during the call. */
  route(connection: Connection, extensionType: number, msgType: number, payload: Uint8Array): void;
  onClosed(connection: Connection): void;
}

export class Connection extends PeerConnection<GatewayCloseReason> {
  readonly channels = new ConnectionChannels();
  /** Accepted work of the last ten minutes: decides who hears of a new tip first. */
  readonly work: WorkMeter;
  /** Extension 0x0002 was negotiated: shares may name a worker. */
  namesWorkers = false;
  /** Shares of its channels that were judged. */
  shares = 0;
  /** How much of the fan-out's work its groups were told; the fan-out's own. */
  sentWork = 0;
  readonly #modules: ConnectionModules;
  /** When the connection last had a channel, or asked for one. */
  #channelAt: number;
  /** Shares at the last sweep, and since when there are no more. */
  #sharesSeen = 0;
  #shareAt: number;

  constructor(id: number, socket: Duplex, remoteAddress: string, modules: ConnectionModules) {
    super(id, socket, remoteAddress, modules);
    const now = modules.clock.monotonic();
    this.#modules = modules;
    this.#channelAt = now;
    this.#shareAt = now;
    this.work = new WorkMeter(now);
  }

  /** Whether the client has set this flag of SetupConnection. */
  requires(flag: keyof typeof miningClientFlags): boolean {
    return this.setup !== undefined && (this.setup.flags & miningClientFlags[flag]) !== 0;
  }

  /** For the whole group where devices can build their own coinbase, else for each channel. */
  get delivery(): JobDelivery {
    if (this.requires('REQUIRES_WORK_SELECTION')) return 'none';
    return this.requires('REQUIRES_STANDARD_JOBS') ? 'own' : 'group';
  }

  override sweep(nowMs: number): void {
    if (this.state !== 'open' || this.channels.size + this.channels.pending > 0) this.#channelAt = nowMs;
    if (this.channels.size === 0 || this.shares !== this.#sharesSeen) {
      this.#sharesSeen = this.shares;
      this.#shareAt = nowMs;
    }
    const { channelDeadlineMs, shareDeadlineMs } = this.#modules.limits;
    if (nowMs - this.#channelAt >= channelDeadlineMs) this.end('channel-timeout');
    else if (nowMs - this.#shareAt >= shareDeadlineMs) this.end('share-timeout');
    else super.sweep(nowMs);
  }

  protected onFrame(extensionType: number, msgType: number, payload: Uint8Array): void {
    this.#modules.route(this, extensionType, msgType, payload);
  }

  protected onLeft(): void {
    this.#modules.onClosed(this);
  }
}
