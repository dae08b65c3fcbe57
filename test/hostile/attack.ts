// What every attack has: whom it goes for, sockets from addresses of its own, and what it has seen.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { messageOf } from '@sluice/runtime/errors';
import { randomBytes } from '@sluice/runtime/random';
import { TestMiner } from '../../services/connection-gateway/test/support/test-miner.ts';
import { ec } from '../support/noise-socket.ts';

const ANSWER_MS = 30_000;
/** After a connection that was not wanted: an attacker needs his cores as well. */
const REFUSED_PAUSE_MS = 5;
const aead = wasmAead();

export interface AttackPlan {
  readonly port: number;
  /** Base58check. */
  readonly authorityKey: string;
  /** Of the loopback: where connections come from, unless the attack chooses others. */
  readonly address: string;
  /** Connections at the same time. */
  readonly connections: number;
}

/** Runs until it is told to stop. */
export type Attack = (attacker: Attacker) => Promise<void>;

export class Attacker {
  readonly plan: AttackPlan;
  /** What was done, and what came of it, by words of the attack. */
  readonly seen: Record<string, number> = {};
  stopped = false;
  readonly #sockets = new Set<Socket>();

  constructor(plan: AttackPlan) {
    this.plan = plan;
  }

  saw(what: string, count = 1): void {
    this.seen[what] = (this.seen[what] ?? 0) + count;
  }

  /** Ends every connection, and with it whoever waits for one. */
  stop(): void {
    this.stopped = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** A socket from this address of the loopback; `undefined`: it was not let in. */
  async dial(localAddress: string): Promise<Socket | undefined> {
    if (this.stopped) return undefined;
    const socket = connect({ host: '127.0.0.1', port: this.plan.port, localAddress, noDelay: true });
    this.#sockets.add(socket);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('close', () => {
        this.#sockets.delete(socket);
        resolve(false);
      });
      socket.on('error', () => undefined);
    });
    if (connected) this.saw('connected');
    return connected ? socket : undefined;
  }

  /** One that has shaken hands, behind these bytes if there are any; `undefined`: it was closed instead. */
  async shakeHands(localAddress: string, before?: Uint8Array): Promise<TestMiner | undefined> {
    const socket = await this.dial(localAddress);
    if (socket === undefined) return undefined;
    if (before !== undefined) socket.write(before);
    const authorityKey = decodeAuthorityPublicKey(this.plan.authorityKey);
    if (authorityKey === undefined) throw new Error(`no authority key: ${this.plan.authorityKey}`);
    const now = Math.floor(Date.now() / 1_000);
    const miner = new TestMiner(socket, { ec, aead, random: randomBytes, authorityKey, now }, ANSWER_MS);
    await miner.handshake();
    if (miner.closed) return undefined;
    this.saw('handshakes');
    return miner;
  }

  /** So many at the same time, each again and again; one that fails is tried again a little later. */
  async keep(parallel: number, once: (index: number) => Promise<void>): Promise<void> {
    const again = async (index: number) => {
      while (!this.stopped) {
        try {
          await once(index);
        } catch (error) {
          if (!this.stopped) this.saw(messageOf(error));
        }
        await sleep(REFUSED_PAUSE_MS);
      }
    };
    await Promise.all(Array.from({ length: parallel }, (_, index) => again(index)));
  }
}

/** Resolves when the peer or the attacker has ended it. */
export function ended(socket: { readonly destroyed: boolean; once(event: 'close', then: () => void): unknown }) {
  return new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** Any of the upper half of the loopback, where no honest miner is. */
export function anyAddress(): string {
  const [a = 0, b = 0, c = 0] = randomBytes(3);
  return `127.${128 + (a % 128)}.${b}.${1 + (c % 254)}`;
}
