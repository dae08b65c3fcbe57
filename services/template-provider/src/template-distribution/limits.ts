// Every bound of template distribution, with what happens at it. An operator sets those of connections; the others follow from the
// protocol, and are arguments only so that tests can make them small.
import type { ListenerLimits } from '@sluice/server/listener';
import type { PeerLimits } from '@sluice/server/peer-connection';

export interface DistributionLimits extends ListenerLimits, PeerLimits {
  /** From SetupConnection to CoinbaseOutputConstraints, which has to follow at once [sv2 7]. Then the connection is closed. */
  readonly constraintsDeadlineMs: number;
  /** RequestTransactionData of one connection that wait for their answer. At one more the connection is closed. */
  readonly pendingRequests: number;
  /** Bytes that may wait for a client when the transactions of a template are written: a slow reader gets them one after the other. */
  readonly drainedBytes: number;
}

/** What a message counts as that makes the disk work: constraints may ask for a template's transactions to be stored again. */
export const CONSTRAINTS_CHARGE = 50;
/** Megabytes are read, sealed and sent for one. */
export const TRANSACTION_DATA_CHARGE = 20;

export const defaultLimits: DistributionLimits = {
  connections: 128,
  connectionsPerAddress: 32,
  connectionsPerSecond: 10,
  connectionsPerSecondPerAddress: 5,
  proxyHeaderDeadlineMs: 5_000,
  proxyProtocolFrom: [],
  messagesPerSecond: 100,
  messagesPerSecondPerAddress: 1_000,
  handshakeDeadlineMs: 10_000,
  setupDeadlineMs: 10_000,
  constraintsDeadlineMs: 10_000,
  lingerMs: 1_000,
  // The transactions of a full block, their lengths and seals, and the templates of minutes.
  outboundBytes: 12_000_000,
  outboundBytesTotal: 268_435_456,
  outboundStallMs: 30_000,
  pendingRequests: 16,
  drainedBytes: 65_536,
};
