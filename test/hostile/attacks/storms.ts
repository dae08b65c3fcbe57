// Connections for their own sake: each costs a key exchange, and shows the certificate.
import type { Socket } from 'node:net';
import { randomBytes } from '@sluice/runtime/random';
import { proxyHeader } from '../../../packages/server/test/support/proxy-header.ts';
import { type Attack, type Attacker, anyAddress } from '../attack.ts';

async function probe(attacker: Attacker, address: string, before?: Uint8Array): Promise<void> {
  const miner = await attacker.shakeHands(address, before);
  // Without a wait for whoever is gone: the system would keep the place of each for a minute.
  (miner?.socket as Socket | undefined)?.resetAndDestroy();
}

export const handshakeStorm: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, () => probe(attacker, anyAddress()));

export const certificateProbes: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, () => probe(attacker, attacker.plan.address));

/** Nothing but the socket. */
export const tcpProbes: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, async () => {
    (await attacker.dial(attacker.plan.address))?.resetAndDestroy();
  });

/** The one load balancer that the gateway of the suite knows. */
export const BALANCER = '127.65.0.1';

/** As a load balancer hands them on, each from another address of the world. */
export const proxiedStorm: Attack = (attacker) =>
  attacker.keep(attacker.plan.connections, () => probe(attacker, BALANCER, proxyHeader(randomBytes(4).join('.'))));
