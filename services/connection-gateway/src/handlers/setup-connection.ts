// SetupConnection [sv2 3.6.1]: the first message, answered once. A refusal closes the connection after it was read.
import type { Logger } from '@sluice/runtime/logger';
import { refuseSetup } from '@sluice/server/setup-refusal';
import { miningClientFlags, miningServerFlags, PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { printable } from '@sluice/sv2/text';
import type { Connection } from '../connection.ts';

const served = {
  protocol: protocols.mining,
  flags:
    miningClientFlags.REQUIRES_STANDARD_JOBS |
    miningClientFlags.REQUIRES_WORK_SELECTION |
    miningClientFlags.REQUIRES_VERSION_ROLLING,
};

export function handleSetupConnection(connection: Connection, setup: SetupConnection, log: Logger): void {
  if (log.isLevelEnabled('debug')) log.debug({ connection: connection.id, ...deviceOf(setup) }, 'SetupConnection');
  if (refuseSetup(connection, setup, served)) return;
  connection.opened(setup);
  // A client that brings its own jobs opens extended channels alone; its custom jobs are refused one by one.
  const flags = connection.requires('REQUIRES_WORK_SELECTION') ? miningServerFlags.REQUIRES_EXTENDED_CHANNELS : 0;
  connection.send(SetupConnectionSuccess, { usedVersion: PROTOCOL_VERSION, flags });
}

/** What a device says of itself, fit for a log. */
function deviceOf({ vendor, hardwareVersion, firmware, deviceId, flags, minVersion, maxVersion }: SetupConnection) {
  return {
    vendor: printable(vendor),
    hardware: printable(hardwareVersion),
    firmware: printable(firmware),
    device: printable(deviceId),
    flags: `0x${flags.toString(16)}`,
    versions: `${minVersion}-${maxVersion}`,
  };
}
