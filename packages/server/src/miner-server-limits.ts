// What every server of miners over Stratum V2 bounds alike.
import type { ListenerLimits } from './listener.ts';
import type { PeerLimits } from './peer-connection.ts';

export const minerServerLimits: ListenerLimits & PeerLimits = {
  connections: 20_000,
  connectionsPerAddress: 5_000,
  connectionsPerSecond: 500,
  connectionsPerSecondPerAddress: 250,
  proxyHeaderDeadlineMs: 5_000,
  proxyProtocolFrom: [],
  messagesPerSecond: 2_000,
  messagesPerSecondPerAddress: 20_000,
  handshakeDeadlineMs: 10_000,
  setupDeadlineMs: 10_000,
  lingerMs: 1_000,
  outboundBytes: 2_097_152,
  outboundBytesTotal: 268_435_456,
  outboundStallMs: 30_000,
};
