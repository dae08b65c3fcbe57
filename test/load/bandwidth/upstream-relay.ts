// Stands between a proxy and a pool, counts what they say to each other by its kind, and asks the pool for a target of the tool's own
// choice: what a proxy asks for follows the time, which is another here than in the hour.
import type { Socket } from 'node:net';
import { ACT_1_LENGTH, ACT_2_LENGTH } from '@sluice/noise/responder';
import { readWorkerIdentity } from '@sluice/sv2/extensions';
import { encodeFrame } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { NoiseServer } from '../../support/noise-server.ts';
import { NoiseSocket, type RawFrame } from '../../support/noise-socket.ts';
import { Traffic } from '../measure/traffic.ts';
import type { Ledger } from './ledger.ts';

export interface RelayPlan {
  /** Of the gateway, on loopback. */
  readonly port: number;
  readonly authorityKey: string;
  /** What the pool is asked for at least: 32 bytes. */
  readonly maxTarget: Uint8Array;
  readonly listener?: JobListener;
}

/** Told of what the pool says of work. */
export interface JobListener {
  onOpened(opened: OpenExtendedMiningChannelSuccess): void;
  onJob(job: NewExtendedMiningJob): void;
  onTip(tip: SetNewPrevHash): void;
}

export class UpstreamRelay {
  /** Shares of each worker that the proxy named. */
  readonly sharesByWorker = new Map<string, number>();
  readonly #plan: RelayPlan;
  readonly #up = new Traffic();
  readonly #down = new Traffic();
  #server!: NoiseServer;

  private constructor(plan: RelayPlan) {
    this.#plan = plan;
  }

  static async start(plan: RelayPlan): Promise<UpstreamRelay> {
    const relay = new UpstreamRelay(plan);
    relay.#server = await NoiseServer.start((socket, secret) => void relay.#serve(socket, secret));
    return relay;
  }

  get port(): number {
    return this.#server.port;
  }

  get authorityKey(): string {
    return this.#server.authorityKey;
  }

  get ledger(): Ledger {
    return { up: this.#up.rows, down: this.#down.rows };
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #serve(socket: Socket, secret: Uint8Array): Promise<void> {
    const { port, authorityKey } = this.#plan;
    let proxy: NoiseSocket | undefined;
    try {
      const pool = await NoiseSocket.connect(port, authorityKey, (frame) => {
        this.#down.count(frame.extensionType, frame.msgType, frame.payload.length);
        this.#read(frame);
        proxy?.sendFrame(frame.bytes);
      });
      socket.once('close', () => pool.close());
      pool.onClose(() => socket.destroy());
      proxy = await NoiseSocket.accept(socket, secret, (frame) => {
        this.#up.count(frame.extensionType, frame.msgType, frame.payload.length);
        pool.sendFrame(this.#askOtherwise(frame) ?? frame.bytes);
      });
      this.#up.handshake(ACT_1_LENGTH);
      this.#down.handshake(ACT_2_LENGTH);
    } catch {
      socket.destroy();
    }
  }

  /** A frame of the same length, where the proxy names a target. */
  #askOtherwise(frame: RawFrame): Uint8Array | undefined {
    const { maxTarget } = this.#plan;
    // Else the pool would begin with a harder one.
    const nominalHashRate = 1;
    const opening = decoded(OpenExtendedMiningChannel, frame);
    if (opening !== undefined)
      return encodeFrame(OpenExtendedMiningChannel, { ...opening, maxTarget, nominalHashRate });
    const update = decoded(UpdateChannel, frame);
    if (update !== undefined)
      return encodeFrame(UpdateChannel, { ...update, maximumTarget: maxTarget, nominalHashRate });
    if (frame.msgType === SubmitSharesExtended.type) this.#countWorker(frame.payload);
    return undefined;
  }

  #countWorker(payload: Uint8Array): void {
    const share = decodePayload(SubmitSharesExtended, payload);
    const worker = share.ok ? readWorkerIdentity(payload, share.length) : undefined;
    if (typeof worker === 'string') this.sharesByWorker.set(worker, (this.sharesByWorker.get(worker) ?? 0) + 1);
  }

  #read(frame: RawFrame): void {
    const { listener } = this.#plan;
    if (listener === undefined) return;
    const opened = decoded(OpenExtendedMiningChannelSuccess, frame);
    if (opened !== undefined) listener.onOpened(opened);
    const job = decoded(NewExtendedMiningJob, frame);
    if (job !== undefined) listener.onJob(job);
    const tip = decoded(SetNewPrevHash, frame);
    if (tip !== undefined) listener.onTip(tip);
  }
}

function decoded<M extends Message>(
  declared: M,
  { extensionType, msgType, payload }: RawFrame,
): MessageOf<M> | undefined {
  if ((extensionType & 0x7fff) !== 0 || msgType !== declared.type) return undefined;
  const result = decodePayload(declared, payload);
  if (!result.ok) throw new Error(`${declared.name}: ${result.code} at ${result.where}`);
  return result.value as MessageOf<M>;
}
