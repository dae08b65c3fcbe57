// Every bound of the SV1 side in one place, with what happens at it.
import type { ListenerLimits } from '@sluice/server/listener';
import type { SocketLimits } from '@sluice/server/peer-socket';

export interface Sv1Limits extends ListenerLimits, SocketLimits {
  /** From the accepted socket to the end of the TLS handshake. Then the socket is closed. */
  readonly tlsHandshakeDeadlineMs: number;
  /** From the accepted socket, with TLS from the handshake, until mining.subscribe and mining.authorize have both come. Then the connection is closed. */
  readonly setupDeadlineMs: number;
  /** Without a line from the miner. Then the connection is closed. */
  readonly idleMs: number;
  /** Without a job. Then the last one is told again under a new id, since some clients leave a pool that is silent. */
  readonly keepAliveMs: number;
  /** Lines in a row that are no messages. At one more the connection is closed. */
  readonly malformedLines: number;
  /** Requests of one connection that wait for their answers, or for those before them. At one more the connection is closed. */
  readonly waitingAnswers: number;
}

export const defaultSv1Limits: Sv1Limits = {
  connections: 20_000,
  connectionsPerAddress: 5_000,
  // No key exchange: after a power cut all devices of a farm come at once.
  connectionsPerSecond: 2_000,
  connectionsPerSecondPerAddress: 1_000,
  proxyHeaderDeadlineMs: 5_000,
  proxyProtocolFrom: [],
  messagesPerSecond: 2_000,
  messagesPerSecondPerAddress: 20_000,
  lingerMs: 1_000,
  // A line of mining.notify may have 8 KiB, and a device may be away for some jobs.
  outboundBytes: 262_144,
  outboundBytesTotal: 268_435_456,
  outboundStallMs: 30_000,
  tlsHandshakeDeadlineMs: 10_000,
  setupDeadlineMs: 30_000,
  // At six shares a minute a device is as silent by chance once in 10^39 times.
  idleMs: 900_000,
  // cpuminer connects again after two minutes.
  keepAliveMs: 60_000,
  malformedLines: 10,
  waitingAnswers: 1_024,
};
