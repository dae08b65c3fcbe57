// A server of Stratum V2 that does nothing by itself but the handshake and the answer to SetupConnection: the test says what comes
// next, which may be what no pool should do.
import type { Socket } from 'node:net';
import { buildCoinbase, encodeHeightPush } from '@sluice/bitcoin/coinbase';
import { targetToBytes } from '@sluice/bitcoin/target';
import { encodeFrame } from '@sluice/sv2/frames';
import type { Message, MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { MessageLog } from './message-log.ts';
import { NoiseServer } from './noise-server.ts';
import { NoiseSocket } from './noise-socket.ts';
import { waitFor } from './wait-for.ts';

const PREFIX_SIZE = 4;
const EXTRANONCE_SIZE = 8;
/** A share takes 1,024 hashes, and a block 2^32. */
const target = targetToBytes(1n << 246n);
const nbits = 0x1d00_ffff;
const { prefix: coinbaseTxPrefix, suffix: coinbaseTxSuffix } = buildCoinbase({
  version: 2,
  coinbasePrefix: encodeHeightPush(840_000),
  tag: Buffer.from('scripted'),
  extranonceSize: PREFIX_SIZE + EXTRANONCE_SIZE,
  sequence: 0xffff_fffe,
  locktime: 839_999,
  outputs: [{ value: 312_500_000n, script: Uint8Array.of(0x51) }],
});

export class Sv2Upstream {
  readonly log: MessageLog;
  readonly #setupError: string | undefined;
  #server!: NoiseServer;
  #client: NoiseSocket | undefined;
  #granted = 0;

  private constructor(name: string, setupError: string | undefined) {
    this.log = new MessageLog(name);
    this.#setupError = setupError;
  }

  /** With `setupError` it refuses every connection by this code. */
  static async start(name: string, setupError?: string): Promise<Sv2Upstream> {
    const upstream = new Sv2Upstream(name, setupError);
    upstream.#server = await NoiseServer.start((socket, secret) => void upstream.#serve(socket, secret));
    return upstream;
  }

  get address(): string {
    return `127.0.0.1:${this.#server.port}`;
  }

  get authorityKey(): string {
    return this.#server.authorityKey;
  }

  /** To the client that connected last. */
  send<M extends Message>(declared: M, value: MessageOf<M>): void {
    if (this.#client === undefined) throw new Error(`${declared.name}: nobody is connected`);
    this.#client.sendFrame(encodeFrame(declared, value));
  }

  /** Waits for the next request for an extended channel, and opens that one. */
  async grant(channelId: number, groupChannelId: number): Promise<void> {
    const asked = () => this.log.of(OpenExtendedMiningChannel)[this.#granted];
    await waitFor(() => asked() !== undefined);
    const { requestId } = asked() as MessageOf<typeof OpenExtendedMiningChannel>;
    this.#granted += 1;
    const extranoncePrefix = Uint8Array.of(0, 1, 0, channelId);
    this.send(OpenExtendedMiningChannelSuccess, {
      ...{ requestId, channelId, target, extranonceSize: EXTRANONCE_SIZE, extranoncePrefix, groupChannelId },
    });
  }

  /** To a channel or a group; the transactions are its coinbase alone. */
  futureJob(channelId: number, jobId: number): void {
    const job = { version: 0x2000_0000, versionRollingAllowed: true, merklePath: [] };
    this.send(NewExtendedMiningJob, {
      ...{ channelId, jobId, minNtime: undefined, ...job, coinbaseTxPrefix, coinbaseTxSuffix },
    });
  }

  tip(channelId: number, jobId: number, prevHash: Uint8Array): void {
    const minNtime = Math.floor(Date.now() / 1000);
    this.send(SetNewPrevHash, { channelId, jobId, prevHash, minNtime, nbits });
  }

  /** Ends every connection without a word. */
  disconnect(): void {
    this.#server.disconnectAll();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #serve(socket: Socket, secret: Uint8Array): Promise<void> {
    try {
      this.#client = await NoiseSocket.accept(socket, secret, (frame) => {
        if (this.log.take('client', frame).declared === SetupConnection) this.#answerSetup();
      });
    } catch {
      socket.destroy();
    }
  }

  #answerSetup(): void {
    if (this.#setupError === undefined) this.send(SetupConnectionSuccess, { usedVersion: 2, flags: 0 });
    else this.send(SetupConnectionError, { flags: 0, errorCode: this.#setupError });
  }
}
