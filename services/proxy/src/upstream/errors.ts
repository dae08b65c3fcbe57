// Why an upstream is not, or no longer, there. The codes are the down-reasons of log and metrics.
import { ClientError } from '@sluice/client/errors';
import { TemplateServerError, type TemplateServerErrorCode } from '@sluice/client/template-errors';
import { CodedError, messageOf } from '@sluice/runtime/errors';

export const upstreamErrorCodes = {
  'upstream-unreachable': 'No TCP connection to the upstream came about.',
  'upstream-handshake-failed':
    'The Noise handshake with the upstream failed, or it has not the authority key of its URL; or the TLS handshake with a pool of Stratum V1 failed.',
  'upstream-certificate-expired': 'The certificate of the pool has expired, or is not valid yet.',
  'upstream-authority-unknown':
    'The certificate of the pool is of no authority that is trusted here, or those between are missing.',
  'upstream-name-mismatch': 'The certificate of the pool is not for the host of its URL.',
  'upstream-not-tls': 'The pool answered the TLS handshake with something else.',
  'upstream-setup-refused': 'The upstream answered SetupConnection, or mining.subscribe, with an error.',
  'upstream-channel-refused': 'The upstream answered the opening of the channel, or mining.authorize, with an error.',
  'upstream-extranonce-too-small': 'The upstream leaves fewer bytes of extranonce than the miners were promised.',
  'upstream-fault': 'The upstream sent a message that cannot be read, or one out of order.',
  'upstream-silent': 'The upstream did not answer in time: it hangs, or the way to it is cut.',
  'upstream-channel-closed': 'The upstream closed the channel.',
  'upstream-reconnect': 'The upstream asked to connect again, or elsewhere.',
  'upstream-connection-closed': 'The connection to the upstream has ended.',
} as const;
export type UpstreamErrorCode = keyof typeof upstreamErrorCodes;
export const downReasons = Object.keys(upstreamErrorCodes) as UpstreamErrorCode[];

export class UpstreamError extends CodedError<UpstreamErrorCode> {
  override readonly name = 'UpstreamError';
}

/** What the next attempt will most likely meet again. */
const lasting: readonly UpstreamErrorCode[] = [
  'upstream-setup-refused',
  'upstream-channel-refused',
  'upstream-extranonce-too-small',
];

export function isLasting({ code }: UpstreamError): boolean {
  return lasting.includes(code);
}

/** On the farm's own node. */
const ofTemplateServer: Readonly<Record<TemplateServerErrorCode, UpstreamErrorCode>> = {
  'template-server-refused': 'upstream-setup-refused',
  'template-server-fault': 'upstream-fault',
  'template-server-silent': 'upstream-silent',
};

/** The end of a connection, or what kept one from coming about. */
export function upstreamErrorOf(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  if (error instanceof TemplateServerError) return new UpstreamError(ofTemplateServer[error.code], error.message);
  if (!(error instanceof ClientError)) return new UpstreamError('upstream-unreachable', messageOf(error));
  switch (error.code) {
    case 'client-handshake-failed':
      return new UpstreamError('upstream-handshake-failed', error.message);
    case 'client-protocol-fault':
      return new UpstreamError('upstream-fault', error.message);
    case 'client-connection-closed':
      return new UpstreamError('upstream-connection-closed', error.message);
  }
}
