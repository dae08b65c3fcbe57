// What can go wrong around the sockets of a server, and why the connection of a peer ends.
import { CodedError } from '@sluice/runtime/errors';

/** Each code with the condition under which it is raised. */
export const serverErrorCodes = {
  'server-listen-failed': 'An address to listen on is taken, not local or not permitted.',
  'server-no-certificate': 'A key or certificate file is missing, cannot be read, or is not valid now.',
} as const;
export type ServerErrorCode = keyof typeof serverErrorCodes;

export class ServerError extends CodedError<ServerErrorCode> {
  override readonly name = 'ServerError';
}

/** Why a connection ended, whatever is spoken over it: in the log at debug and as a label of a metric. */
export const socketCloseReasonCodes = {
  'peer-closed': 'The peer closed the connection.',
  'left-at-once': 'The peer had reset the connection before it was accepted, so that its address is not known.',
  'socket-error': 'The operating system reported an error on the socket.',
  'slow-reader': 'The bytes that waited for the peer reached their bound.',
  'outbound-total': 'Too many bytes waited for all peers together, and most of them for this one.',
  'stalled-reader': 'The peer took no bytes for too long while some waited.',
  'handler-failed': 'A fault of our own while a message was handled; logged as an error.',
  'proxy-header-timeout': 'The PROXY protocol header of a load balancer was not complete within its deadline.',
  'proxy-header-missing': 'A connection from a range of load balancers did not begin with a PROXY protocol header.',
  'proxy-header-v1': 'A load balancer sends version 1 of the PROXY protocol.',
  'proxy-header-malformed':
    'A PROXY protocol header is longer than 536 bytes, or its command or addresses are none of a stream.',
  'proxy-header-untrusted': 'A PROXY protocol header came from an address outside the ranges of load balancers.',
} as const;
export type SocketCloseReason = keyof typeof socketCloseReasonCodes;

/** Why else a connection of Stratum V2 ended, whatever the protocol. */
export const noiseCloseReasonCodes = {
  'handshake-timeout': 'The Noise handshake was not done within its deadline.',
  'handshake-failed': 'The first act of the Noise handshake was not one.',
  'stratum-v1': 'The peer speaks Stratum V1: it began with a line of JSON.',
  'setup-timeout': 'No SetupConnection came within its deadline.',
  'setup-refused': 'SetupConnection was answered with SetupConnection.Error.',
  'setup-not-first': 'The first message was not SetupConnection.',
  'left-before-handshake': 'The peer closed the connection before the Noise handshake was done.',
  'left-before-setup':
    'The peer closed the connection between the handshake and SetupConnection, as one does that looks at the certificate alone.',
  'decryption-failed': 'A frame failed its authentication.',
  'payload-too-long': 'The header of a frame announced more than its message type can have.',
  'malformed-message': 'A payload could not be decoded as the message that its header named.',
} as const;
export type NoiseCloseReason = keyof typeof noiseCloseReasonCodes;

export type PeerCloseReason = SocketCloseReason | NoiseCloseReason;
/** For the labels of metrics. */
export const peerCloseReasons = Object.keys({
  ...socketCloseReasonCodes,
  ...noiseCloseReasonCodes,
}) as PeerCloseReason[];
