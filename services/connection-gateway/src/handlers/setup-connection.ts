// SetupConnection [sv2 3.6.1]: the first message, answered once. A refusal closes the connection after it was read.
import type { ErrorCode } from '@sluice/sv2/error-codes';
import { miningClientFlags, miningServerFlags, PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import type { Connection } from '../connection.ts';

const KNOWN_FLAGS =
  miningClientFlags.REQUIRES_STANDARD_JOBS |
  miningClientFlags.REQUIRES_WORK_SELECTION |
  miningClientFlags.REQUIRES_VERSION_ROLLING;

export function handleSetupConnection(connection: Connection, setup: SetupConnection): void {
  const unknown = (setup.flags & ~KNOWN_FLAGS) >>> 0;
  if (setup.protocol !== protocols.mining) refuse(connection, 'unsupported-protocol', 0);
  else if (setup.minVersion > PROTOCOL_VERSION || setup.maxVersion < PROTOCOL_VERSION)
    refuse(connection, 'protocol-version-mismatch', 0);
  else if (unknown !== 0) refuse(connection, 'unsupported-feature-flags', unknown);
  else accept(connection, setup);
}

function accept(connection: Connection, setup: SetupConnection): void {
  connection.opened(setup);
  // A client that brings its own jobs opens extended channels alone; its custom jobs are refused one by one.
  const flags = connection.requires('REQUIRES_WORK_SELECTION') ? miningServerFlags.REQUIRES_EXTENDED_CHANNELS : 0;
  connection.send(SetupConnectionSuccess, { usedVersion: PROTOCOL_VERSION, flags });
}

function refuse(connection: Connection, errorCode: ErrorCode<'SetupConnection.Error'>, flags: number): void {
  connection.send(SetupConnectionError, { flags, errorCode });
  connection.end('setup-refused', errorCode);
}
