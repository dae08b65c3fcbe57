// Every bound of the SV2 side in one place, with what happens at it.
import type { ListenerLimits } from '@sluice/server/listener';
import type { PeerLimits } from '@sluice/server/peer-connection';

export interface Sv2Limits extends ListenerLimits, PeerLimits {
  /** How long a connection may be without a channel. Then it is closed. */
  readonly channelDeadlineMs: number;
  /** Open channels of one connection. More are refused with `channel-capacity-exhausted`. */
  readonly channelsPerConnection: number;
  /** Shares of one channel that wait for their answers, or for those before them. At one more the connection is closed. */
  readonly waitingShares: number;
}

export const defaultSv2Limits: Sv2Limits = {
  connections: 20_000,
  connectionsPerAddress: 5_000,
  connectionsPerSecond: 500,
  proxyHeaderDeadlineMs: 5_000,
  proxyProtocolFrom: [],
  messagesPerSecond: 2_000,
  handshakeDeadlineMs: 10_000,
  setupDeadlineMs: 10_000,
  channelDeadlineMs: 300_000,
  lingerMs: 1_000,
  channelsPerConnection: 4_096,
  waitingShares: 1_024,
  outboundBytes: 2_097_152,
  outboundStallMs: 30_000,
};
