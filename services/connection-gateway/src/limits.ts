// Every bound of the gateway in one place, with what happens at it. An operator sets those of connections and the rates; the others follow
// from the protocol or from what a device can need, and are arguments only so that tests can make them small.
import type { ListenerLimits } from '@sluice/server/listener';
import { minerServerLimits } from '@sluice/server/miner-server-limits';
import type { PeerLimits } from '@sluice/server/peer-connection';

export interface GatewayLimits extends ListenerLimits, PeerLimits {
  /** How long a connection may be without a channel [sv2 5.3.1]: a proxy may wait for its first miner. Then it is closed. */
  readonly channelDeadlineMs: number;
  /** How long a connection may have channels and send no share. Then it is closed. */
  readonly shareDeadlineMs: number;
  /** Channels of the process, and of one address, those among them that are asked for. More are refused with `channel-capacity-exhausted`. */
  readonly channels: number;
  readonly channelsPerAddress: number;
  /** Open channels of one connection. More are refused with `channel-capacity-exhausted`. */
  readonly channelsPerConnection: number;
  /** Open requests of one connection that wait for the channel-manager. More are refused with `channel-capacity-exhausted`. */
  readonly pendingOpensPerConnection: number;
  /**
   * Payouts other than the pool's at once, one for each connection at least. A channel of one more is refused with
   * `channel-capacity-exhausted`.
   */
  readonly payouts: number;
  /** How long an open request asks for the channel-manager before the answer is `pool-unavailable`. */
  readonly openDeadlineMs: number;
  /** How long shares are collected when no append is in flight. */
  readonly shareWindowMs: number;
  /** Bytes of share batches that wait for the stream. At the bound shares are answered with `share-not-stored`. */
  readonly heldShareBytes: number;
  /** How long one append may take before the same bytes are sent again under the same number. */
  readonly appendTimeoutMs: number;
}

export const defaultLimits: GatewayLimits = {
  ...minerServerLimits,
  channelDeadlineMs: 300_000,
  // The smallest devices find a share of the easiest difficulty in less.
  shareDeadlineMs: 3_600_000,
  channels: 80_000,
  channelsPerAddress: 20_000,
  channelsPerConnection: 4_096,
  pendingOpensPerConnection: 1_024,
  payouts: 20_000,
  openDeadlineMs: 10_000,
  shareWindowMs: 20,
  heldShareBytes: 67_108_864,
  appendTimeoutMs: 2_000,
};
