// What is wrong with a SetupConnection [sv2 3.6.1], the same for every protocol.
import type { ErrorCode } from '@sluice/sv2/error-codes';
import { PROTOCOL_VERSION } from '@sluice/sv2/flags';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import type { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';

/** What is answered with SetupConnection.Error; `undefined`: the setup can be accepted. `flags`: those that the protocol defines. */
export function setupRefusal(
  { protocol, minVersion, maxVersion, flags }: SetupConnection,
  served: { readonly protocol: number; readonly flags: number },
): (SetupConnectionError & { readonly errorCode: ErrorCode<'SetupConnection.Error'> }) | undefined {
  if (protocol !== served.protocol) return { flags: 0, errorCode: 'unsupported-protocol' };
  if (minVersion > PROTOCOL_VERSION || maxVersion < PROTOCOL_VERSION)
    return { flags: 0, errorCode: 'protocol-version-mismatch' };
  const unknown = (flags & ~served.flags) >>> 0;
  return unknown === 0 ? undefined : { flags: unknown, errorCode: 'unsupported-feature-flags' };
}
