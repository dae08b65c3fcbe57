// Why a connection of an SV2 miner ends that no other server has a reason for.
import { type PeerCloseReason, peerCloseReasons } from '@sluice/server/errors';

/** In the log at debug, and as a label of a metric. */
export const sv2CloseReasonCodes = {
  'channel-timeout': 'There was no channel for too long.',
  'too-many-waiting': 'Too many shares of a channel waited for their answers.',
  drained: 'The proxy moves its connections away.',
} as const;
export type Sv2OwnCloseReason = keyof typeof sv2CloseReasonCodes;
export type Sv2CloseReason = PeerCloseReason | Sv2OwnCloseReason;

export const sv2CloseReasons = [...peerCloseReasons, ...Object.keys(sv2CloseReasonCodes)] as Sv2CloseReason[];
