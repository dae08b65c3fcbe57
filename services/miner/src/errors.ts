// Why a connection to a pool ended, or did not come about.
import type { ClientError, ClientErrorCode } from '@sluice/client/errors';
import { CodedError } from '@sluice/runtime/errors';

export const minerErrorCodes = {
  'miner-handshake-failed':
    'The Noise handshake failed: no answer in time, or the server has not the expected authority key.',
  'miner-setup-refused': 'The pool answered SetupConnection with an error, or demands what this client does not do.',
  'miner-channel-refused': 'The pool answered the opening of a channel with an error.',
  'miner-protocol-fault': 'The pool sent bytes that are no message, or a message out of order.',
  'miner-timeout': 'The pool did not answer in time.',
  'miner-connection-closed': 'The connection has ended.',
} as const;
export type MinerErrorCode = keyof typeof minerErrorCodes;

export class MinerError extends CodedError<MinerErrorCode> {
  override readonly name = 'MinerError';
}

const ofConnection: Readonly<Record<ClientErrorCode, MinerErrorCode>> = {
  'client-handshake-failed': 'miner-handshake-failed',
  'client-protocol-fault': 'miner-protocol-fault',
  'client-connection-closed': 'miner-connection-closed',
};

/** A fault of the connection under the miner's own code, which its output shows. */
export const minerErrorOf = ({ code, message }: ClientError): MinerError => new MinerError(ofConnection[code], message);
