// What is wrong with a SetupConnection [sv2 3.6.1], and how it is answered, the same for every protocol.
import type { ErrorCode } from '@sluice/sv2/error-codes';
import { PROTOCOL_VERSION } from '@sluice/sv2/flags';
import type { Message, MessageOf } from '@sluice/sv2/message';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';

/** What a server takes. `flags`: those that the protocol defines. */
export interface ServedProtocol {
  readonly protocol: number;
  readonly flags: number;
}

export interface RefusableConnection {
  send<M extends Message>(declared: M, value: MessageOf<M>): void;
  refused(message: string, code: string): void;
  end(reason: 'setup-refused', detail: string): void;
}

/** Answers what cannot be accepted and ends the connection. False: it can be, and nothing was answered. */
export function refuseSetup(connection: RefusableConnection, setup: SetupConnection, served: ServedProtocol): boolean {
  const refusal = setupRefusal(setup, served);
  if (refusal === undefined) return false;
  connection.send(SetupConnectionError, refusal);
  connection.refused('SetupConnection.Error', refusal.errorCode);
  connection.end('setup-refused', refusal.errorCode);
  return true;
}

function setupRefusal(
  { protocol, minVersion, maxVersion, flags }: SetupConnection,
  served: ServedProtocol,
): (SetupConnectionError & { readonly errorCode: ErrorCode<'SetupConnection.Error'> }) | undefined {
  if (protocol !== served.protocol) return { flags: 0, errorCode: 'unsupported-protocol' };
  if (minVersion > PROTOCOL_VERSION || maxVersion < PROTOCOL_VERSION)
    return { flags: 0, errorCode: 'protocol-version-mismatch' };
  const unknown = (flags & ~served.flags) >>> 0;
  return unknown === 0 ? undefined : { flags: unknown, errorCode: 'unsupported-feature-flags' };
}
