// The same against Stratum V1, which has no handshake to stop at: lines that never end, that are too long, that are none, and answers that
// nobody reads.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { authorizeLine, subscribeLine } from '@sluice/sv1/client-lines';
import { requestLine } from '@sluice/sv1/json-rpc';
import { type Attack, type Attacker, ended } from '../attack.ts';

const SECOND_MS = 1_000;
const BURST = 200;
/** Bytes that may wait in the attacker's own memory. */
const WAITING_BYTES = 131_072;
/** More than a line may have. */
const LONG_LINE = 'x'.repeat(16_384);

const USER = 'farm.attacker';
const subscribe = subscribeLine(1, 'attacker');
const authorize = authorizeLine(2, USER, 'x');

export const v1ByteASecond: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async () => {
    const socket = await attacker.dial(attacker.plan.address);
    if (socket === undefined) return;
    socket.resume();
    const gone = ended(socket);
    for (let sent = 0; !socket.destroyed; sent = (sent + 1) % subscribe.length) {
      socket.write(subscribe.slice(sent, sent + 1));
      await Promise.race([sleep(SECOND_MS), gone]);
    }
  });

/** Sends what `next` says as fast as the socket takes it, until the connection ends; what comes is counted by `read`. */
async function flood(
  attacker: Attacker,
  next: (sequence: number) => string,
  read: (socket: Socket) => void,
): Promise<void> {
  const socket = await attacker.dial(attacker.plan.address);
  if (socket === undefined) return;
  read(socket);
  socket.write(subscribe + authorize);
  for (let sequence = 3; !socket.destroyed && !attacker.stopped; ) {
    for (let lines = 0; lines < BURST && socket.writableLength < WAITING_BYTES; lines++, sequence++) {
      socket.write(next(sequence));
      attacker.saw('sent');
    }
    await sleep(1);
  }
  await ended(socket);
}

const flooding = (next: (sequence: number) => string, read = (socket: Socket) => void socket.resume()): Attack => {
  return (attacker) => attacker.keep(attacker.plan.connections, () => flood(attacker, next, read));
};

/** For a job that nobody was given. */
export const v1InvalidShares = flooding((sequence) =>
  requestLine(sequence, 'mining.submit', [USER, 'ffffffff', '00000000', '00000000', '00000000']),
);

export const v1LongLines = flooding(() => LONG_LINE);

export const v1NoLines = flooding(() => '{"id":\n');

/** Asks again and again for what is a long answer, and reads none. */
export const v1SlowReaders = flooding(
  (sequence) => subscribeLine(sequence, 'attacker'),
  (socket) => void socket.pause(),
);
