// One connection of Stratum V2: the handshake, its channels, the shares out and the answers in. A message of the hot path makes no object.
import { NoiseInitiator } from '@sluice/noise/initiator';
import { ACT_2_LENGTH } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import { messageOf as reasonOf } from '@sluice/runtime/errors';
import { randomBytes } from '@sluice/runtime/random';
import { readU32 } from '@sluice/sv2/bytes';
import { writeSubmitSharesExtended, writeSubmitSharesStandard } from '@sluice/sv2/fast/submit-shares';
import {
  holdsSubmitSharesSuccess,
  successAcceptedCount,
  successChannelId,
  successLastSequenceNumber,
} from '@sluice/sv2/fast/submit-shares-success';
import { FRAME_HEADER_SIZE, parseFrameHeader } from '@sluice/sv2/frames';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import { SetGroupChannel } from '@sluice/sv2/messages/mining/set-group-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SetTarget } from '@sluice/sv2/messages/mining/set-target';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { payloadLimits } from '@sluice/sv2/payload-limits';
import { commonMessages, miningMessages } from '@sluice/sv2/registry';
import type { LoadChannel } from './channel.ts';
import { type ChannelWork, storeJob } from './channel-work.ts';
import { decode } from './decode.ts';
import type { Kit } from './kit.ts';
import { LoadSocket } from './load-socket.ts';
import { monotonicMs } from './measure/monotonic.ts';
import type { MinerConnection } from './miner-connection.ts';
import { Opening } from './opening.ts';

const maxPayload = payloadLimits([...commonMessages, ...miningMessages]);

type Channel = LoadChannel<ChannelWork>;

export class LoadConnection implements MinerConnection {
  readonly slot: number;
  channels: readonly Channel[] = [];
  /** Among all connections of the run. */
  readonly #index: number;
  readonly #kit: Kit;
  readonly #socket: LoadSocket;
  readonly #byId = new Map<number, Channel>();
  #initiator: NoiseInitiator | undefined;
  #transport: NoiseTransport | undefined;
  #act2 = new Uint8Array(0);
  #opening: Opening | undefined;
  /** Channels with answers in what is being read. */
  #answered: Channel[] = [];
  /** When what is being read was read. */
  #now = 0;

  constructor(index: number, slot: number, kit: Kit) {
    this.#index = index;
    this.slot = slot;
    this.#kit = kit;
    this.#socket = new LoadSocket(index, kit);
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  get isCongested(): boolean {
    return this.#socket.isCongested;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  open(): Promise<void> {
    this.channels = [];
    this.#byId.clear();
    this.#transport = undefined;
    this.#act2 = new Uint8Array(0);
    const opening = new Opening(this.#index, this.#socket.pool, this.#kit, {
      send: (frame) => this.#send(frame),
      opened: (channels) => {
        this.channels = channels;
        this.#opening = undefined;
        this.#socket.opened();
      },
      channel: (channel) => this.#byId.set(channel.id, channel),
    });
    this.#opening = opening;
    const connected = () => {
      opening.connected();
      this.#shakeHands();
    };
    return this.#socket.open(connected, (bytes) => this.#read(bytes));
  }

  close(): Promise<void> {
    return this.#socket.close();
  }

  #shakeHands(): void {
    const { ec, aead, sent } = this.#kit;
    const { authorityKey } = this.#socket.pool;
    this.#initiator = new NoiseInitiator({
      ec,
      aead,
      random: randomBytes,
      now: Math.floor(Date.now() / 1_000),
      maxPayload,
      ...(authorityKey === undefined ? {} : { authorityKey }),
    });
    const act1 = this.#initiator.act1();
    sent.handshake(act1.length);
    this.#socket.write(act1);
  }

  /** Returns what follows the second act. */
  #readAct2(chunk: Uint8Array): Uint8Array | undefined {
    const held = Buffer.concat([this.#act2, chunk]);
    this.#act2 = held;
    if (held.length < ACT_2_LENGTH) return undefined;
    this.#kit.received.handshake(ACT_2_LENGTH);
    const result = this.#initiator?.readAct2(held.subarray(0, ACT_2_LENGTH));
    this.#initiator = undefined;
    if (result?.ok !== true) {
      this.#socket.end(`handshake: ${result?.code}`);
      return undefined;
    }
    this.#transport = result.transport;
    this.#opening?.shaken();
    return held.subarray(ACT_2_LENGTH);
  }

  #read(read: Uint8Array): void {
    const chunk = this.#transport === undefined ? this.#readAct2(read) : read;
    if (chunk === undefined || this.#transport === undefined) return;
    this.#now = monotonicMs();
    try {
      const failure = this.#transport.reader.push(chunk, this.#onFrame);
      if (failure !== undefined) this.#socket.end(failure.code);
    } catch (error) {
      this.#socket.end(reasonOf(error));
    }
    const answered = this.#answered;
    for (const channel of answered) {
      const count = channel.answered;
      channel.answered = 0;
      this.#kit.onAnswered?.(this, channel, count);
    }
    answered.length = 0;
  }

  readonly #onFrame = (extensionType: number, msgType: number, payload: Uint8Array): void => {
    this.#kit.received.count(extensionType, msgType, payload.length);
    if ((extensionType & 0x7fff) !== 0) return;
    switch (msgType) {
      case SubmitSharesSuccess.type:
        this.#onSuccess(payload);
        break;
      case SubmitSharesError.type:
        this.#onError(payload);
        break;
      case SetNewPrevHash.type:
        this.#onTip(payload);
        break;
      case NewMiningJob.type:
      case NewExtendedMiningJob.type:
        this.#onJob(payload, msgType === NewMiningJob.type);
        break;
      default:
        this.#onRare(msgType, payload);
    }
  };

  #onSuccess(payload: Uint8Array): void {
    const { counts, window } = this.#kit;
    const channel = holdsSubmitSharesSuccess(payload.length) ? this.#byId.get(successChannelId(payload, 0)) : undefined;
    if (channel === undefined) {
      counts.miscounted += 1;
      return;
    }
    const count = successAcceptedCount(payload, 0);
    const taken = channel.inFlight.acceptedUpTo(successLastSequenceNumber(payload, 0), this.#record);
    if (taken !== count) counts.miscounted += 1;
    counts.acknowledged += count;
    channel.acknowledged += count;
    window.acknowledged(count, this.#now);
    this.#answers(channel, taken);
  }

  readonly #record = (sentAt: number): void => {
    this.#kit.window.answered(sentAt, this.#now);
  };

  #onError(payload: Uint8Array): void {
    const { counts, refusedByCode } = this.#kit;
    const channel = this.#byId.get(readU32(payload, 0));
    const sequence = readU32(payload, 4);
    if (channel === undefined || Number.isNaN(channel.inFlight.answered(sequence))) {
      counts.miscounted += 1;
      return;
    }
    const code = Buffer.from(payload.subarray(9, 9 + payload[8]!)).toString('latin1');
    refusedByCode.set(code, (refusedByCode.get(code) ?? 0) + 1);
    counts.refused += 1;
    if (code === 'stale-share' && sequence <= channel.lastBeforeTip) counts.overtaken += 1;
    this.#answers(channel, 1);
  }

  #answers(channel: Channel, count: number): void {
    if (channel.answered === 0 && count > 0) this.#answered.push(channel);
    channel.answered += count;
  }

  #onTip(payload: Uint8Array): void {
    this.#kit.onTip?.(this, payload.subarray(8, 40), monotonicMs());
    const channelId = readU32(payload, 0);
    const tip = decode(SetNewPrevHash, Uint8Array.from(payload));
    for (const channel of this.#addressed(channelId)) {
      channel.lastBeforeTip = channel.inFlight.lastSequence;
      channel.work.onTip(tip);
      this.#working(channel);
    }
  }

  #onJob(payload: Uint8Array, standard: boolean): void {
    const channelId = readU32(payload, 0);
    const job = storeJob(payload, standard);
    for (const channel of this.#addressed(channelId)) {
      channel.work.onJob(job);
      this.#working(channel);
    }
  }

  #onRare(msgType: number, payload: Uint8Array): void {
    const reason = this.#opening?.onMessage(msgType, payload) ?? this.#onLater(msgType, payload);
    if (reason !== undefined) this.#socket.end(reason);
  }

  #onLater(msgType: number, payload: Uint8Array): string | undefined {
    if (msgType === SetTarget.type) {
      const target = Uint8Array.from(payload.subarray(4, 36));
      for (const channel of this.#addressed(readU32(payload, 0))) channel.work.setTarget(target);
    } else if (msgType === SetGroupChannel.type) {
      const { groupChannelId, channelIds } = decode(SetGroupChannel, payload);
      for (const id of channelIds) {
        const channel = this.#byId.get(id);
        if (channel !== undefined) channel.groupId = groupChannelId;
      }
    } else if (msgType === CloseChannel.type) return 'CloseChannel';
    return undefined;
  }

  /** The channel of this number, or the members of the group. */
  *#addressed(id: number): Generator<Channel> {
    const channel = this.#byId.get(id);
    if (channel !== undefined) yield channel;
    else for (const member of this.#byId.values()) if (member.groupId === id) yield member;
  }

  /** A channel may have got a job. */
  #working(channel: Channel): void {
    this.#opening?.working();
    if (channel.owed > 0) this.serve(channel);
  }

  serve(channel: Channel): void {
    if (channel.work.isHard) this.#kit.searches.add(this, channel);
    else this.#submit(channel, channel.owed);
  }

  search(channel: Channel): void {
    this.#submit(channel, 1);
    if (channel.owed > 0 && channel.work.hasJob && this.#kit.sending) this.#kit.searches.add(this, channel);
  }

  #submit(channel: Channel, most: number): void {
    const kit = this.#kit;
    const transport = this.#transport;
    if (!this.isOpen || transport === undefined || !kit.sending) return;
    const { work, id, extranonceSize } = channel;
    const frame = kit.shareFrame(extranonceSize);
    const length = transport.writer.sealedLength(frame.length);
    const extended = kit.plan.kind === 'extended';
    let at = 0;
    let sent = 0;
    while (sent < most && work.prepare(kit.sha256d)) {
      if (!kit.search.find(work)) {
        kit.searches.add(this, channel);
        break;
      }
      if (at + length > kit.output.length) {
        this.#socket.writeOutput(at);
        at = 0;
      }
      const sequence = channel.inFlight.send(monotonicMs());
      const { nonce } = kit.search;
      const { jobId, ntime, version, extranonce } = work;
      if (extended) writeSubmitSharesExtended(frame, 0, id, sequence, jobId, nonce, ntime, version, extranonce);
      else writeSubmitSharesStandard(frame, 0, id, sequence, jobId, nonce, ntime, version);
      at += transport.writer.seal(frame, kit.output, at);
      kit.sent.count(
        0,
        extended ? SubmitSharesExtended.type : SubmitSharesStandard.type,
        frame.length - FRAME_HEADER_SIZE,
      );
      channel.owed -= 1;
      sent += 1;
    }
    if (sent === 0) return;
    this.#socket.writeOutput(at);
    kit.counts.sent += sent;
    kit.window.sent(sent, monotonicMs());
  }

  #send(frame: Uint8Array): void {
    if (this.#transport === undefined) return;
    const { writer } = this.#transport;
    const { extensionType, msgType, length } = parseFrameHeader(frame, 0);
    this.#kit.sent.count(extensionType, msgType, length);
    const out = Buffer.allocUnsafe(writer.sealedLength(frame.length));
    writer.seal(frame, out, 0);
    this.#socket.write(out);
  }
}
