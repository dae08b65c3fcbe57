// How a connection comes to its channels: SetupConnection, then each channel, then a job for each; with the time that each step took.
import { miningClientFlags, PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import { encodeFrame } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { OpenMiningChannelError } from '@sluice/sv2/messages/mining/open-mining-channel-error';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { OpenStandardMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-standard-mining-channel-success';
import { LoadChannel } from './channel.ts';
import { ChannelWork } from './channel-work.ts';
import { decode } from './decode.ts';
import type { Kit } from './kit.ts';
import { monotonicMs } from './measure/monotonic.ts';
import type { OpenPhase } from './orders.ts';
import type { PoolAddress } from './pool-address.ts';

const MIN_EXTRANONCE_SIZE = 4;

export interface OpeningConnection {
  send(frame: Uint8Array): void;
  /** A channel is there: its jobs are right behind. */
  channel(channel: LoadChannel<ChannelWork>): void;
  opened(channels: readonly LoadChannel<ChannelWork>[]): void;
}

export class Opening {
  readonly #index: number;
  readonly #pool: PoolAddress;
  readonly #kit: Kit;
  readonly #connection: OpeningConnection;
  readonly #channels: LoadChannel<ChannelWork>[] = [];
  readonly #begunAt = monotonicMs();
  #stepAt = this.#begunAt;
  #isSetUp = false;

  constructor(index: number, pool: PoolAddress, kit: Kit, connection: OpeningConnection) {
    this.#index = index;
    this.#pool = pool;
    this.#kit = kit;
    this.#connection = connection;
  }

  connected(): void {
    this.#step('TCP');
  }

  shaken(): void {
    this.#step('handshake');
    const { kind } = this.#kit.plan;
    this.#connection.send(
      encodeFrame(SetupConnection, {
        protocol: protocols.mining,
        minVersion: PROTOCOL_VERSION,
        maxVersion: PROTOCOL_VERSION,
        flags: kind === 'standard' ? miningClientFlags.REQUIRES_STANDARD_JOBS : 0,
        endpointHost: this.#pool.host,
        endpointPort: this.#pool.port,
        vendor: 'sluice-load',
        hardwareVersion: '',
        firmware: '',
        deviceId: '',
      }),
    );
  }

  /** Returns why the connection cannot be opened. */
  onMessage(msgType: number, payload: Uint8Array): string | undefined {
    switch (msgType) {
      case SetupConnectionSuccess.type:
        if (this.#isSetUp) return 'set up twice';
        this.#isSetUp = true;
        this.#step('setup');
        this.#openChannels();
        return undefined;
      case SetupConnectionError.type:
        return `SetupConnection.Error ${decode(SetupConnectionError, payload).errorCode}`;
      case OpenMiningChannelError.type:
        return `OpenMiningChannel.Error ${decode(OpenMiningChannelError, payload).errorCode}`;
      case OpenStandardMiningChannelSuccess.type: {
        const { channelId, groupChannelId, target, extranoncePrefix } = own(OpenStandardMiningChannelSuccess, payload);
        this.#opened(channelId, groupChannelId, target, extranoncePrefix, 0);
        return undefined;
      }
      case OpenExtendedMiningChannelSuccess.type: {
        const fields = own(OpenExtendedMiningChannelSuccess, payload);
        const { channelId, groupChannelId, target, extranoncePrefix, extranonceSize } = fields;
        this.#opened(channelId, groupChannelId, target, extranoncePrefix, extranonceSize);
        return undefined;
      }
      default:
        return undefined;
    }
  }

  #openChannels(): void {
    const { kind, channels, identity, hashrate, maxTarget } = this.#kit.plan;
    for (let channel = 0; channel < channels; channel++) {
      const fields = {
        requestId: channel + 1,
        userIdentity: `${identity}.${this.#index * channels + channel}`,
        nominalHashRate: hashrate,
        maxTarget,
      };
      this.#connection.send(
        kind === 'extended'
          ? encodeFrame(OpenExtendedMiningChannel, { ...fields, minExtranonceSize: MIN_EXTRANONCE_SIZE })
          : encodeFrame(OpenStandardMiningChannel, fields),
      );
    }
  }

  #opened(id: number, groupId: number, target: Uint8Array, prefix: Uint8Array, extranonceSize: number): void {
    const work = new ChannelWork(prefix, extranonceSize, target);
    const channel = new LoadChannel({ id, groupId, prefix, extranonceSize }, work);
    this.#channels.push(channel);
    if (this.#channels.length === this.#kit.plan.channels) this.#step('channels');
    this.#connection.channel(channel);
  }

  /** A channel may have got its first job. */
  working(): void {
    if (this.#channels.length < this.#kit.plan.channels) return;
    if (!this.#channels.every(({ work }) => work.hasJob)) return;
    this.#step('first jobs');
    this.#kit.phases.open.record(monotonicMs() - this.#begunAt);
    this.#connection.opened(this.#channels);
  }

  #step(phase: OpenPhase): void {
    const now = monotonicMs();
    this.#kit.phases[phase].record(now - this.#stepAt);
    this.#stepAt = now;
  }
}

/** What is kept must not be a view of what the socket reads into. */
function own<M extends typeof OpenStandardMiningChannelSuccess | typeof OpenExtendedMiningChannelSuccess>(
  declared: M,
  payload: Uint8Array,
) {
  return decode(declared, Uint8Array.from(payload));
}
