// RequestExtensions [ext 0x0001]: which extensions both sides use from now on. A client may ask again; the last answer holds.
import { extensionTypes, negotiateExtensions } from '@sluice/sv2/extensions';
import type { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsError } from '@sluice/sv2/messages/extensions/request-extensions-error';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';
import type { Connection } from '../connection.ts';

const SUPPORTED = [extensionTypes.workerHashrateTracking];

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
