// A pool and its job declaration server behind one address that do no more than a client needs to be with them: both take every
// connection, the pool opens channels, the server gives tokens and keeps what is declared. No job is ever said to be good.
import type { Socket } from 'node:net';
import { CHANNEL_MSG_BIT, encodeFrame } from '@sluice/sv2/frames';
import { decodePayload } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { AllocateMiningJobToken } from '@sluice/sv2/messages/job-declaration/allocate-mining-job-token';
import { AllocateMiningJobTokenSuccess } from '@sluice/sv2/messages/job-declaration/allocate-mining-job-token-success';
import { DeclareMiningJob } from '@sluice/sv2/messages/job-declaration/declare-mining-job';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenExtendedMiningChannelSuccess } from '@sluice/sv2/messages/mining/open-extended-mining-channel-success';
import { messageOf } from '@sluice/sv2/registry';
import { NoiseServer } from './noise-server.ts';
import { NoiseSocket, type RawFrame } from './noise-socket.ts';

/** One output, of nothing yet, to a script of 22 bytes. */
const outputs = Uint8Array.of(1, ...new Uint8Array(8), 22, 0x00, 0x14, ...new Uint8Array(20).fill(7));
const channel = {
  channelId: 2,
  target: new Uint8Array(32).fill(0xff),
  extranonceSize: 16,
  extranoncePrefix: Uint8Array.of(0, 0, 0, 1),
  groupChannelId: 1,
};

export class DeclarationStandIn {
  readonly declared: DeclareMiningJob[] = [];
  /** Given so far. */
  tokens = 0;
  /** Clients of both, by the protocol that they set up. */
  readonly protocols: number[] = [];
  #server!: NoiseServer;

  private constructor() {}

  static async start(): Promise<DeclarationStandIn> {
    const started = new DeclarationStandIn();
    started.#server = await NoiseServer.start((socket, secret) => void started.#serve(socket, secret));
    return started;
  }

  get port(): number {
    return this.#server.port;
  }

  /** Base58check; of both. */
  get authorityKey(): string {
    return this.#server.authorityKey;
  }

  /** Ends every connection, and takes none from now on. */
  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #serve(socket: Socket, secret: Uint8Array): Promise<void> {
    try {
      const client = await NoiseSocket.accept(socket, secret, (frame) => this.#answer(client, frame));
    } catch {
      socket.destroy();
    }
  }

  #answer(client: NoiseSocket, { extensionType, msgType, payload }: RawFrame): void {
    const declared = messageOf(extensionType & ~CHANNEL_MSG_BIT, msgType);
    const decoded = declared && decodePayload(declared, payload);
    if (!decoded?.ok) return;
    switch (declared) {
      case SetupConnection:
        this.protocols.push((decoded.value as SetupConnection).protocol);
        client.sendFrame(encodeFrame(SetupConnectionSuccess, { usedVersion: 2, flags: 0 }));
        break;
      case OpenExtendedMiningChannel: {
        const { requestId } = decoded.value as OpenExtendedMiningChannel;
        client.sendFrame(encodeFrame(OpenExtendedMiningChannelSuccess, { requestId, ...channel }));
        break;
      }
      case AllocateMiningJobToken: {
        const { requestId } = decoded.value as AllocateMiningJobToken;
        this.tokens += 1;
        const miningJobToken = Uint8Array.of(this.tokens, ...new Uint8Array(7));
        const token = { requestId, miningJobToken, coinbaseTxOutputs: outputs };
        client.sendFrame(encodeFrame(AllocateMiningJobTokenSuccess, token));
        break;
      }
      case DeclareMiningJob:
        this.declared.push(decoded.value as DeclareMiningJob);
    }
  }
}
