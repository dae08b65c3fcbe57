// Why a connection of an SV1 miner ends that no other server has a reason for.
import { type SocketCloseReason, socketCloseReasonCodes } from '@sluice/server/errors';

/** In the log at debug, and as a label of a metric. */
export const sv1CloseReasonCodes = {
  'spoke-http': 'The peer speaks HTTP.',
  'spoke-tls': 'The peer began with a TLS handshake on a port that is plain.',
  'spoke-plain': 'The peer speaks Stratum V1 without TLS on a port that is for TLS.',
  'spoke-binary': 'The first bytes are no text: most likely the Noise handshake of Stratum V2.',
  'spoke-text': 'The first line is text that is no JSON.',
  'tls-handshake-timeout': 'The TLS handshake was not done within its deadline.',
  'tls-handshake-failed':
    'The TLS handshake failed: no version or cipher in common, or the peer does not trust the certificate.',
  'line-too-long': 'A line has more than 8,192 bytes.',
  'malformed-lines': 'Too many lines in a row were no messages.',
  'setup-timeout': 'mining.subscribe and mining.authorize did not both come within their deadline.',
  idle: 'The miner sent no line for too long.',
  'no-place': 'All places of the farm are taken.',
  'too-many-waiting': 'Too many requests waited for their answers.',
  drained: 'The proxy moves its connections away.',
} as const;
export type Sv1OwnCloseReason = keyof typeof sv1CloseReasonCodes;
export type Sv1CloseReason = SocketCloseReason | Sv1OwnCloseReason;

export const sv1CloseReasons = Object.keys({ ...socketCloseReasonCodes, ...sv1CloseReasonCodes }) as Sv1CloseReason[];
