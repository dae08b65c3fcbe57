// What a connection is agreed to be: SetupConnection [sv2 3.6.1], answered once, and RequestExtensions [ext 0x0001].
import { setupRefusal } from '@sluice/server/setup-refusal';
import { extensionTypes, negotiateExtensions } from '@sluice/sv2/extensions';
import { miningClientFlags, PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import type { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import type { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsError } from '@sluice/sv2/messages/extensions/request-extensions-error';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import type { Connection } from './connection.ts';

/** Not REQUIRES_WORK_SELECTION: the farm's one channel has the pool's jobs. */
const served = {
  protocol: protocols.mining,
  flags: miningClientFlags.REQUIRES_STANDARD_JOBS | miningClientFlags.REQUIRES_VERSION_ROLLING,
};
const SUPPORTED = [extensionTypes.workerHashrateTracking];

export function handleSetupConnection(connection: Connection, setup: SetupConnection): void {
  const refusal = setupRefusal(setup, served);
  if (refusal !== undefined) {
    connection.send(SetupConnectionError, refusal);
    connection.refused('SetupConnection.Error', refusal.errorCode);
    connection.end('setup-refused', refusal.errorCode);
    return;
  }
  connection.opened(setup);
  connection.send(SetupConnectionSuccess, { usedVersion: PROTOCOL_VERSION, flags: 0 });
}

/** A client may ask again; the last answer holds. */
export function handleRequestExtensions(connection: Connection, request: RequestExtensions): void {
  const { requestId } = request;
  const answer = negotiateExtensions(request.requestedExtensions, SUPPORTED);
  if (!answer.accepted) {
    connection.send(RequestExtensionsError, {
      requestId,
      unsupportedExtensions: [...answer.unsupported],
      requiredExtensions: [...answer.required],
    });
    return;
  }
  connection.namesWorkers = answer.supported.includes(extensionTypes.workerHashrateTracking);
  connection.send(RequestExtensionsSuccess, { requestId, supportedExtensions: [...answer.supported] });
}
