// Every bound of the SV2 side in one place, with what happens at it.
import type { ListenerLimits } from '@sluice/server/listener';
import { minerServerLimits } from '@sluice/server/miner-server-limits';
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
  ...minerServerLimits,
  channelDeadlineMs: 300_000,
  channelsPerConnection: 4_096,
  waitingShares: 1_024,
};
