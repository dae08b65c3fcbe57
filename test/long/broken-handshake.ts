// Handshakes that no client should make: bytes of no meaning, a real act 1 cut off or with bits flipped, and a real one whose frames
// are broken once act 2 is there.
import type { Socket } from 'node:net';
import { NoiseInitiator } from '@sluice/noise/initiator';
import { ACT_2_LENGTH } from '@sluice/noise/responder';
import { randomBytes } from '@sluice/runtime/random';
import { encodeFrame } from '@sluice/sv2/frames';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { aead, ec } from '../../services/connection-gateway/test/support/test-gateway.ts';
import { setupConnection } from '../../services/connection-gateway/test/support/test-miner.ts';

export type HandshakeKind = (typeof handshakeKinds)[number];
export const handshakeKinds = [
  'random bytes',
  'act 1 cut off',
  'act 1 with flipped bits',
  'broken after act 2',
] as const;

/** Longer than a loopback takes; a gateway that sends no act 2 leaves the rest out. */
const ACT_2_WITHIN_MS = 2_000;

const setup = encodeFrame(SetupConnection, setupConnection());

/** Sends one such handshake on a connected socket; how it ends is the caller's. Resolves with whether act 2 came where it must. */
export async function sendBrokenHandshake(kind: HandshakeKind, socket: Socket, random: () => number): Promise<boolean> {
  const below = (bound: number) => Math.floor(random() * bound);
  switch (kind) {
    case 'random bytes':
      for (let pieces = below(4); pieces >= 0; pieces--)
        socket.write(Uint8Array.from({ length: 1 + below(90) }, () => below(256)));
      return true;
    case 'act 1 cut off': {
      const act1 = newInitiator().act1();
      const length = 1 + below(act1.length - 1);
      const cut = below(length);
      if (cut > 0) socket.write(act1.slice(0, cut));
      socket.write(act1.slice(cut, length));
      return true;
    }
    case 'act 1 with flipped bits':
      socket.write(flipped(newInitiator().act1(), below));
      socket.write(Uint8Array.from({ length: 1 + below(90) }, () => below(256)));
      return true;
    case 'broken after act 2':
      return breakAfterAct2(socket, below);
  }
}

const newInitiator = () => new NoiseInitiator({ ec, aead, random: randomBytes, now: 0, maxPayload: () => 0xff_ffff });

async function breakAfterAct2(socket: Socket, below: (bound: number) => number): Promise<boolean> {
  const initiator = newInitiator();
  socket.write(initiator.act1());
  const act2 = await read(socket, ACT_2_LENGTH);
  if (act2 === undefined) return false;
  const result = initiator.readAct2(act2);
  if (!result.ok) return false;
  const { writer } = result.transport;
  const sealed = new Uint8Array(writer.sealedLength(setup.length));
  writer.seal(setup, sealed, 0);
  switch (below(3)) {
    case 0:
      socket.write(flipped(sealed, below));
      break;
    case 1:
      socket.write(sealed.slice(0, 1 + below(sealed.length - 1)));
      break;
    default:
      socket.write(Uint8Array.from({ length: 1 + below(200) }, () => below(256)));
  }
  return true;
}

function flipped(bytes: Uint8Array, below: (bound: number) => number): Uint8Array {
  const out = Uint8Array.from(bytes);
  for (let flips = below(4); flips >= 0; flips--) {
    const at = below(out.length);
    out[at] = out[at]! ^ (1 << below(8));
  }
  return out;
}

/** The next `length` bytes; undefined when they do not come. */
async function read(socket: Socket, length: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    let held = Buffer.alloc(0);
    const end = () => {
      clearTimeout(timer);
      socket.off('data', onData);
      socket.resume();
      resolve(held.length < length ? undefined : Uint8Array.from(held.subarray(0, length)));
    };
    const onData = (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      if (held.length >= length) end();
    };
    const timer = setTimeout(end, ACT_2_WITHIN_MS);
    socket.on('data', onData);
    socket.once('close', end);
  });
}
