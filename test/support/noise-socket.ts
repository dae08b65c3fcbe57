// Either end of a Noise connection over a real socket, as frames: what stands in for a pool, and what stands between a pool and its
// client, share it.
import { connect, type Socket } from 'node:net';
import { decodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { signCertificate } from '@sluice/noise/certificate';
import { type EcBackend, generateKeyPair } from '@sluice/noise/ec';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { NoiseInitiator } from '@sluice/noise/initiator';
import { ACT_1_LENGTH, ACT_2_LENGTH, NoiseResponder } from '@sluice/noise/responder';
import type { NoiseTransport, OnFrame } from '@sluice/noise/transport';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { writeU16, writeU24 } from '@sluice/sv2/bytes';
import { FRAME_HEADER_SIZE } from '@sluice/sv2/frames';

const CERTIFICATE_SECONDS = 3_600;
const aead = wasmAead();
export const ec: EcBackend = fastestEc(findSecp256k1Wasm(), randomBytes);

/** A frame as it was sent: `bytes` are header and payload, TLV fields included. */
export interface RawFrame {
  /** With the channel bit. */
  readonly extensionType: number;
  readonly msgType: number;
  readonly payload: Uint8Array;
  readonly bytes: Uint8Array;
}

export class NoiseSocket {
  readonly #socket: Socket;
  readonly #transport: NoiseTransport;

  private constructor(socket: Socket, transport: NoiseTransport) {
    this.#socket = socket;
    this.#transport = transport;
  }

  /** Serves one client under an authority of 32 secret bytes; frames that come with the handshake's end are not lost. */
  static accept(socket: Socket, authoritySecret: Uint8Array, onFrame: (frame: RawFrame) => void) {
    return NoiseSocket.acceptLent(socket, authoritySecret, copies(onFrame));
  }

  /** The same without a copy of each frame: `payload` is a view that is good during the call only. */
  static async acceptLent(socket: Socket, authoritySecret: Uint8Array, onFrame: OnFrame) {
    const staticKey = generateKeyPair(ec, randomBytes);
    const validFrom = Math.floor(Date.now() / 1000);
    const certificate = signCertificate({
      ...{ ec, authoritySecret, validFrom, staticPublicKey: ec.xOnlyPublicKey(staticKey.secret) },
      ...{ notValidAfter: validFrom + CERTIFICATE_SECONDS, random: randomBytes(32) },
    });
    const responder = new NoiseResponder({ ec, aead, staticKey, certificate, random: randomBytes, maxPayload });
    return await NoiseSocket.#shakeHands(socket, ACT_1_LENGTH, onFrame, (act1) => {
      const result = responder.readAct1(act1);
      if (result.ok) socket.write(result.act2);
      return result;
    });
  }

  /** Connects to a server on loopback; fails when the server's certificate is not of this authority (base58check). */
  static async connect(port: number, authorityKey: string, onFrame: (frame: RawFrame) => void) {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const now = Math.floor(Date.now() / 1000);
    const key = decodeAuthorityPublicKey(authorityKey);
    if (key === undefined) throw new Error(`no authority key: ${authorityKey}`);
    const initiator = new NoiseInitiator({ ec, aead, authorityKey: key, random: randomBytes, now, maxPayload });
    socket.write(initiator.act1());
    return await NoiseSocket.#shakeHands(socket, ACT_2_LENGTH, copies(onFrame), (act2) => initiator.readAct2(act2));
  }

  static #shakeHands(
    socket: Socket,
    length: number,
    onFrame: OnFrame,
    read: (act: Uint8Array) => { readonly ok: true; readonly transport: NoiseTransport } | { readonly ok: false },
  ): Promise<NoiseSocket> {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      let transport: NoiseTransport | undefined;
      const onData = (chunk: Buffer) => {
        const failure = transport?.reader.push(chunk, onFrame);
        if (failure !== undefined) socket.destroy();
      };
      socket.once('close', () => reject(new Error('closed before the handshake was done')));
      socket.on('data', (chunk: Buffer) => {
        if (transport !== undefined) return onData(chunk);
        received = Buffer.concat([received, chunk]);
        if (received.length < length) return;
        const result = read(Uint8Array.from(received.subarray(0, length)));
        if (!result.ok) return void socket.destroy();
        transport = result.transport;
        resolve(new NoiseSocket(socket, transport));
        // Behind the caller's own continuation, which must know this end before a frame comes.
        const rest = Buffer.from(received.subarray(length));
        socket.pause();
        setImmediate(() => {
          onData(rest);
          socket.resume();
        });
      });
    });
  }

  sendFrame(bytes: Uint8Array): void {
    if (this.#socket.destroyed) return;
    const out = Buffer.allocUnsafe(this.#transport.writer.sealedLength(bytes.length));
    this.#transport.writer.seal(bytes, out, 0);
    this.#socket.write(out);
  }

  onClose(listener: () => void): void {
    this.#socket.once('close', listener);
  }

  close(): void {
    this.#socket.destroy();
  }
}

const maxPayload = () => 0xff_ffff;

const copies =
  (onFrame: (frame: RawFrame) => void): OnFrame =>
  (extensionType, msgType, payload) =>
    onFrame(rawFrame(extensionType, msgType, payload));

/** Copies what the reader lends. */
function rawFrame(extensionType: number, msgType: number, payload: Uint8Array): RawFrame {
  const bytes = new Uint8Array(FRAME_HEADER_SIZE + payload.length);
  writeU16(bytes, 0, extensionType);
  bytes[2] = msgType;
  writeU24(bytes, 3, payload.length);
  bytes.set(payload, FRAME_HEADER_SIZE);
  return { extensionType, msgType, payload: bytes.subarray(FRAME_HEADER_SIZE), bytes };
}
