// One extended channel of a connection: asked for, opened, then its jobs in and its shares out; at the end it is closed, after what is on
// its way has had time to be answered.
import { targetToBytes } from '@sluice/bitcoin/target';
import { targetOfHashes } from '@sluice/mining/vardiff-difficulty';
import type { Message, MessageOf } from '@sluice/sv2/message';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import type { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import type { ProxyCounters } from '../counters.ts';
import { ChannelWork, EXTRANONCE_BOUND } from './channel-work.ts';
import { UpstreamError } from './errors.ts';
import { NominalHashrate } from './nominal-hashrate.ts';
import { SharesInFlight } from './shares-in-flight.ts';
import type { ShareOwner, UpstreamLink, UpstreamShare, UpstreamWork } from './upstream-work.ts';

/** How long a channel that nobody works on any more is kept for shares of its jobs, and for their answers. */
export const LEAVE_MS = 5_000;

/** What a channel is opened with. */
export interface ChannelRequest {
  readonly identity: string;
  /** The TLV field of the worker that the identity names already; its shares go without it. */
  readonly worker: Uint8Array | undefined;
  /** Bytes that the channel must leave to the farm. */
  readonly minExtranonceSize: number;
  /** Hashes a second of those who work on it, positive. */
  hashrate(): number;
}

export interface ChannelListener {
  /** There is other work than before. */
  onWork(work: UpstreamWork): void;
  /** Called once, unless it was left: it was refused or closed, or the connection has ended. */
  onClosed(reason: UpstreamError): void;
}

/** The connection, as a channel sees it. */
export interface ChannelWire {
  readonly counters: ProxyCounters;
  /** Whether shares may name their worker. */
  namesWorkers(): boolean;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  send<M extends Message>(message: M, fields: MessageOf<M>, tlv?: Uint8Array): void;
}

export class UpstreamChannel implements UpstreamLink {
  readonly #wire: ChannelWire;
  readonly #request: ChannelRequest;
  readonly #listener: ChannelListener;
  readonly #inFlight: SharesInFlight;
  /** `undefined` before it was asked for. */
  #nominal: NominalHashrate | undefined;
  /** `undefined` before it was opened. */
  #channel: ChannelWork | undefined;
  /** Since when nobody works on it. */
  #leftMs: number | undefined;
  #isClosed = false;

  /** @param bound of the shares that wait for an answer. */
  constructor(wire: ChannelWire, request: ChannelRequest, listener: ChannelListener, bound: number) {
    this.#wire = wire;
    this.#request = request;
    this.#listener = listener;
    this.#inFlight = new SharesInFlight(wire.counters, bound);
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** Whether nobody works on it any more. */
  get isLeft(): boolean {
    return this.#leftMs !== undefined;
  }

  /** `undefined` before it was opened. */
  get groupId(): number | undefined {
    return this.#channel?.groupId;
  }

  joinGroup(groupId: number): void {
    if (this.#channel !== undefined) this.#channel.groupId = groupId;
  }

  /** `undefined` before the first tip. */
  get work(): UpstreamWork | undefined {
    return this.#channel?.work;
  }

  get inFlight(): SharesInFlight {
    return this.#inFlight;
  }

  submit(share: UpstreamShare, owner: ShareOwner | undefined, request: string): void {
    if (this.#isClosed || this.#channel === undefined) return;
    const { work, extranonce, nonce, ntime, version, worker } = share;
    const sequenceNumber = this.#inFlight.add(owner, request, this.#wire.now());
    const channelId = this.#channel.id;
    const fields = { channelId, sequenceNumber, jobId: work.jobId, nonce, ntime, version, extranonce };
    const isNamed = this.#wire.namesWorkers() && worker !== this.#request.worker;
    this.#wire.send(SubmitSharesExtended, fields, isNamed ? worker : undefined);
  }

  /** OpenExtendedMiningChannel [sv2 5.3.4]. */
  sendOpen(requestId: number): void {
    const { identity, minExtranonceSize } = this.#request;
    const hashrate = this.#request.hashrate();
    this.#nominal = new NominalHashrate(hashrate, this.#wire.now());
    this.#wire.send(OpenExtendedMiningChannel, {
      requestId,
      userIdentity: identity,
      nominalHashRate: hashrate,
      maxTarget: easiestTarget(hashrate),
      minExtranonceSize,
    });
  }

  /** Its opening was answered. A string says how the upstream is out of order. */
  onOpened(opened: OpenExtendedMiningChannelSuccess): string | undefined {
    const { extranonceSize, extranoncePrefix } = opened;
    if (extranonceSize + extranoncePrefix.length > EXTRANONCE_BOUND) return 'an extranonce of more than 32 bytes';
    this.#channel = new ChannelWork(this, opened);
    const { minExtranonceSize } = this.#request;
    if (extranonceSize < minExtranonceSize) {
      const detail = `${extranonceSize} bytes of extranonce, where ${minExtranonceSize} are needed`;
      this.#wire.send(CloseChannel, { channelId: opened.channelId, reasonCode: '' });
      this.close(new UpstreamError('upstream-extranonce-too-small', detail));
    }
    return undefined;
  }

  /** Takes what a message says of it, and tells of the work that it has brought. */
  take(change: (channel: ChannelWork) => string | undefined): string | undefined {
    const channel = this.#channel;
    if (channel === undefined || this.#isClosed) return undefined;
    const before = channel.work;
    const fault = change(channel);
    if (fault === undefined && channel.work !== undefined && channel.work !== before && !this.isLeft)
      this.#listener.onWork(channel.work);
    return fault;
  }

  /** Called several times a second. True: it is to be forgotten. */
  tick(nowMs: number): boolean {
    this.#inFlight.answerOverdue(nowMs);
    if (this.#channel === undefined || this.#isClosed) return this.#isClosed;
    if (this.#leftMs !== undefined) {
      if (nowMs - this.#leftMs < LEAVE_MS) return false;
      this.#wire.send(CloseChannel, { channelId: this.#channel.id, reasonCode: '' });
      this.#end();
      return true;
    }
    const hashrate = this.#request.hashrate();
    if (this.#nominal?.isNews(hashrate, nowMs) === true) {
      const maximumTarget = easiestTarget(hashrate);
      this.#wire.send(UpdateChannel, { channelId: this.#channel.id, nominalHashRate: hashrate, maximumTarget });
    }
    return false;
  }

  /** Nobody works on it any more: it is closed after a while. */
  leave(): void {
    this.#leftMs ??= this.#wire.now();
  }

  /** The upstream takes no shares of it any more. */
  close(reason: UpstreamError): void {
    if (this.#isClosed) return;
    this.#end();
    if (!this.isLeft) this.#listener.onClosed(reason);
  }

  #end(): void {
    this.#isClosed = true;
    this.#inFlight.lose();
  }
}

/**
 * 32 bytes: a share a second of all who work on the channel. Without such a bound an upstream that is kept warm, and gets no shares, would ease
 * its target until all miners together flood it when it is needed.
 */
function easiestTarget(hashrate: number): Uint8Array {
  return targetToBytes(targetOfHashes(hashrate));
}
