// What can go wrong in the gateway itself; what a miner is told stands in @sluice/sv2/error-codes.
import { CodedError } from '@sluice/runtime/errors';

/** Each code with the condition under which it is raised. */
export const gatewayErrorCodes = {
  'gateway-listen-failed': 'An address to listen on is taken, not local or not permitted.',
  'gateway-no-range': 'The channel-manager gave no extranonce range.',
  'gateway-no-certificate': 'A key or certificate file is missing, cannot be read, or is not valid now.',
} as const;

/** Why a connection ended: in the log at debug and as a label of `sluice_gateway_connections_closed_total`. */
export const closeReasonCodes = {
  'peer-closed': 'The miner closed the connection.',
  'socket-error': 'The operating system reported an error on the socket.',
  'handshake-timeout': 'The Noise handshake was not done within its deadline.',
  'handshake-failed': 'The first act of the Noise handshake was not one.',
  'setup-timeout': 'No SetupConnection came within its deadline.',
  'setup-refused': 'SetupConnection was answered with SetupConnection.Error.',
  'setup-not-first': 'The first message was not SetupConnection.',
  'decryption-failed':
    'A frame failed its authentication, or its header announced more than its message type can have.',
  'malformed-message': 'A payload could not be decoded as the message that its header named.',
  'slow-reader': 'The bytes that waited for the miner reached their bound.',
  'stalled-reader': 'The miner took no bytes for too long while some waited.',
  'channel-timeout': 'There was no channel for too long.',
  drained: 'The gateway moves its connections away.',
  'closed-by-operator': 'An operator closed the connection.',
  'handler-failed': 'A fault of our own while a message was handled; logged as an error.',
} as const;
export type CloseReason = keyof typeof closeReasonCodes;

export type GatewayErrorCode = keyof typeof gatewayErrorCodes;

export class GatewayError extends CodedError<GatewayErrorCode> {
  override readonly name = 'GatewayError';
}
