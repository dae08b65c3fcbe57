// What a connection is agreed to be: SetupConnection [sv2 3.6.1], answered once.
import { refuseSetup } from '@sluice/server/setup-refusal';
import { miningClientFlags, PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import type { Connection } from './connection.ts';

/** Not REQUIRES_WORK_SELECTION: the farm's one channel has the pool's jobs. */
const served = {
  protocol: protocols.mining,
  flags: miningClientFlags.REQUIRES_STANDARD_JOBS | miningClientFlags.REQUIRES_VERSION_ROLLING,
};

export function handleSetupConnection(connection: Connection, setup: SetupConnection): void {
  if (refuseSetup(connection, setup, served)) return;
  connection.opened(setup);
  connection.send(SetupConnectionSuccess, { usedVersion: PROTOCOL_VERSION, flags: 0 });
}
