// Connections that never become one: silent, a byte a second, and gone quiet behind the handshake.
import { setTimeout as sleep } from 'node:timers/promises';
import { NoiseInitiator } from '@sluice/noise/initiator';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { randomBytes } from '@sluice/runtime/random';
import { ec } from '../../support/noise-socket.ts';
import { type Attack, ended } from '../attack.ts';

const SECOND_MS = 1_000;
const aead = wasmAead();

export const halfOpen: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async () => {
    const socket = await attacker.dial(attacker.plan.address);
    socket?.resume();
    if (socket !== undefined) await ended(socket);
  });

export const byteASecond: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async () => {
    const socket = await attacker.dial(attacker.plan.address);
    if (socket === undefined) return;
    socket.resume();
    const gone = ended(socket);
    const act1 = new NoiseInitiator({ ec, aead, random: randomBytes, now: 0, maxPayload: () => 0 }).act1();
    for (let sent = 0; !socket.destroyed && sent < act1.length; sent++) {
      socket.write(act1.subarray(sent, sent + 1));
      await Promise.race([sleep(SECOND_MS), gone]);
    }
    socket.destroy();
  });

export const unfinishedHandshake: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async () => {
    const miner = await attacker.shakeHands(attacker.plan.address);
    if (miner !== undefined) await ended(miner.socket);
  });
