// What can go wrong in the gateway itself; what a miner is told stands in @sluice/sv2/error-codes.
import { CodedError } from '@sluice/runtime/errors';
import { type PeerCloseReason, peerCloseReasons } from '@sluice/server/errors';

/** Each code with the condition under which it is raised. */
export const gatewayErrorCodes = {
  'gateway-no-range': 'The channel-manager gave no extranonce range.',
} as const;

/** Why a connection ended that no other server has: in the log at debug and as a label of `sluice_gateway_connections_closed_total`. */
export const gatewayCloseReasonCodes = {
  'channel-timeout': 'There was no channel for too long.',
  'share-timeout': 'There were channels, and no share of theirs for too long.',
  drained: 'The gateway moves its connections away.',
  'closed-by-operator': 'An operator closed the connection.',
} as const;
export type GatewayCloseReason = keyof typeof gatewayCloseReasonCodes;
export type CloseReason = PeerCloseReason | GatewayCloseReason;

export const closeReasons = [...peerCloseReasons, ...Object.keys(gatewayCloseReasonCodes)] as CloseReason[];

export type GatewayErrorCode = keyof typeof gatewayErrorCodes;

export class GatewayError extends CodedError<GatewayErrorCode> {
  override readonly name = 'GatewayError';
}
