// RequestExtensions [ext 0x0001]: which extensions both sides use from now on, the same for every server of miners.
import { extensionTypes, negotiateExtensions } from '@sluice/sv2/extensions';
import type { Message, MessageOf } from '@sluice/sv2/message';
import type { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { RequestExtensionsError } from '@sluice/sv2/messages/extensions/request-extensions-error';
import { RequestExtensionsSuccess } from '@sluice/sv2/messages/extensions/request-extensions-success';

const SUPPORTED = [extensionTypes.workerHashrateTracking];

/** A connection of a server of miners. */
export interface ExtensibleConnection {
  /** Extension 0x0002 is agreed on: shares may name their worker. */
  namesWorkers: boolean;
  send<M extends Message>(declared: M, value: MessageOf<M>): void;
}

/** A client may ask again; the last answer holds. */
export function handleRequestExtensions(connection: ExtensibleConnection, request: RequestExtensions): void {
  const { requestId } = request;
  const answer = negotiateExtensions(request.requestedExtensions, SUPPORTED);
  connection.namesWorkers = answer.supported.includes(extensionTypes.workerHashrateTracking);
  if (!answer.accepted) {
    connection.send(RequestExtensionsError, {
      requestId,
      unsupportedExtensions: [...answer.unsupported],
      requiredExtensions: [...answer.required],
    });
    return;
  }
  connection.send(RequestExtensionsSuccess, { requestId, supportedExtensions: [...answer.supported] });
}
