// Why a connection to a server ended, or did not come about.
import { CodedError } from '@sluice/runtime/errors';

export const clientErrorCodes = {
  'client-handshake-failed':
    'The Noise handshake failed: no answer in time, or the server has not the expected authority key.',
  'client-protocol-fault': 'The server sent bytes that are no message.',
  'client-connection-closed': 'The connection has ended.',
} as const;
export type ClientErrorCode = keyof typeof clientErrorCodes;

export class ClientError extends CodedError<ClientErrorCode> {
  override readonly name = 'ClientError';
}
