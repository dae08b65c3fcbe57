// The miners of the benches, in a process of their own: `load-client.ts <port> <connections> <in flight> <standard or extended>`. Opens the connections, says
// "ready", and then does what standard input asks: "shares <milliseconds>" keeps that many submissions in flight on each
// connection and prints how many were acknowledged; "tip" prints when the last connection was told of the next tip; "open <count>" opens more of them.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { NoiseInitiator } from '@sluice/noise/initiator';
import { ACT_2_LENGTH } from '@sluice/noise/responder';
import type { NoiseTransport } from '@sluice/noise/transport';
import { randomBytes } from '@sluice/runtime/random';
import { readU32 } from '@sluice/sv2/bytes';
import {
  extendedShareFrameSize,
  STANDARD_SHARE_FRAME_SIZE,
  writeSubmitSharesExtended,
  writeSubmitSharesStandard,
} from '@sluice/sv2/fast/submit-shares';
import { successAcceptedCount } from '@sluice/sv2/fast/submit-shares-success';
import { miningClientFlags } from '@sluice/sv2/flags';
import { CHANNEL_MSG_BIT, encodeFrame } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { SubmitSharesError } from '@sluice/sv2/messages/mining/submit-shares-error';
import { SubmitSharesSuccess } from '@sluice/sv2/messages/mining/submit-shares-success';
import { aead, ec } from '../test/support/test-gateway.ts';
import { setupConnection } from '../test/support/test-miner.ts';

const [port = 0, connections = 1, inFlight = 1] = process.argv.slice(2, 5).map(Number);
/** The only channel of its connection. */
const CHANNEL_ID = 2;
const VERSION = 0x20000000;
/** Connections that are opened at the same time. */
const OPENING = 100;

const isExtended = process.argv[5] === 'extended';
/** What the pool leaves of its 20 bytes. */
const extranonce = new Uint8Array(13);
const frame = new Uint8Array(isExtended ? extendedShareFrameSize(extranonce.length) : STANDARD_SHARE_FRAME_SIZE);
const ntime = Math.floor(Date.now() / 1_000);

class Client {
  readonly socket: Socket;
  transport: NoiseTransport | undefined;
  tips = 0;
  jobId = 0;
  nonce = 0;
  acknowledged = 0;
  refused = 0;
  onTip: (() => void) | undefined;
  submitting = false;
  #out = new Uint8Array(0);

  constructor(socket: Socket) {
    this.socket = socket;
  }

  async open(): Promise<void> {
    const initiator = new NoiseInitiator({ ec, aead, random: randomBytes, now: 0, maxPayload: () => 0xffffff });
    let held = Buffer.alloc(0);
    const told = new Promise<void>((resolve) => {
      this.onTip = resolve;
    });
    this.socket.on('data', (chunk: Buffer) => {
      if (this.transport !== undefined) return this.read(chunk);
      held = Buffer.concat([held, chunk]);
      if (held.length < ACT_2_LENGTH) return;
      const result = initiator.readAct2(Uint8Array.from(held.subarray(0, ACT_2_LENGTH)));
      if (!result.ok) throw new Error(result.code);
      this.transport = result.transport;
      const flags = isExtended ? 0 : miningClientFlags.REQUIRES_STANDARD_JOBS;
      this.send(encodeFrame(SetupConnection, setupConnection(flags)));
      const maxTarget = new Uint8Array(32).fill(0xff);
      const open = { requestId: 1, userIdentity: 'bench.rig', nominalHashRate: 1e12, maxTarget };
      if (isExtended) this.send(encodeFrame(OpenExtendedMiningChannel, { ...open, minExtranonceSize: 13 }));
      else this.send(encodeFrame(OpenStandardMiningChannel, open));
      this.read(held.subarray(ACT_2_LENGTH));
    });
    this.socket.write(initiator.act1());
    await told;
  }

  send(frame: Uint8Array): void {
    const { writer } = this.transport as NoiseTransport;
    const out = new Uint8Array(writer.sealedLength(frame.length));
    writer.seal(frame, out, 0);
    this.socket.write(out);
  }

  submit(count: number): void {
    const { writer } = this.transport as NoiseTransport;
    const length = writer.sealedLength(frame.length);
    this.#out = Buffer.allocUnsafe(count * length);
    for (let share = 0; share < count; share++) {
      this.nonce += 1;
      if (isExtended)
        writeSubmitSharesExtended(frame, 0, CHANNEL_ID, this.nonce, this.jobId, this.nonce, ntime, VERSION, extranonce);
      else writeSubmitSharesStandard(frame, 0, CHANNEL_ID, this.nonce, this.jobId, this.nonce, ntime, VERSION);
      writer.seal(frame, this.#out, share * length);
    }
    this.socket.write(this.#out);
  }

  read(chunk: Buffer): void {
    let answered = 0;
    this.transport?.reader.push(chunk, (extensionType, msgType, payload) => {
      if ((extensionType & ~CHANNEL_MSG_BIT) !== 0) return;
      if (msgType === SubmitSharesSuccess.type) answered += successAcceptedCount(payload, 0);
      else if (msgType === SubmitSharesError.type) this.refused += 1;
      else if (msgType === SetNewPrevHash.type) {
        this.tips += 1;
        this.jobId = readU32(payload, 4);
        this.onTip?.();
      }
    });
    this.acknowledged += answered;
    if (this.submitting && answered > 0) this.submit(answered);
  }
}

const clients: Client[] = [];

async function open(count: number): Promise<void> {
  const wanted = clients.length + count;
  let begun = clients.length;
  const lane = async () => {
    while (begun < wanted) {
      begun += 1;
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      const client = new Client(socket);
      await client.open();
      clients.push(client);
    }
  };
  await Promise.all(Array.from({ length: OPENING }, lane));
}

await open(connections);
console.log('ready');

async function shares(ms: number): Promise<void> {
  for (const client of clients) {
    client.submitting = true;
    client.submit(inFlight);
  }
  await new Promise((resolve) => setTimeout(resolve, ms));
  for (const client of clients) client.submitting = false;
  while (clients.some(({ nonce, acknowledged, refused }) => acknowledged + refused < nonce))
    await new Promise((resolve) => setTimeout(resolve, 10));
  const total = (name: 'acknowledged' | 'refused') => clients.reduce((sum, client) => sum + client[name], 0);
  console.log(`acknowledged ${total('acknowledged')} refused ${total('refused')}`);
}

async function tip(): Promise<void> {
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve) => {
          client.onTip = resolve;
        }),
    ),
  );
  console.log(`told ${Date.now()}`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const [order, value] = line.split(' ');
  if (order === 'shares') await shares(Number(value));
  else if (order === 'tip') await tip();
  else if (order === 'open') {
    await open(Number(value));
    console.log('opened');
  } else process.exit(0);
}
process.exit(0);
