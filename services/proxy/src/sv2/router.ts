// From a frame to its handler. Unknown messages and those of servers are ignored, as the specification asks [sv2 3.4.1]; a payload that
// cannot be decoded, or anything before SetupConnection, ends the connection.
import type { DecodeFault } from '@sluice/sv2/errors';
import { CHANNEL_MSG_BIT } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { payloadLimits } from '@sluice/sv2/payload-limits';
import type { Connection } from './connection.ts';
import type { Sv2Counters } from './counters.ts';

/** What a miner may send and is decoded whole. Shares are read in place by their own handlers. */
const decodedMessages = {
  setupConnection: SetupConnection,
  requestExtensions: RequestExtensions,
  openStandardMiningChannel: OpenStandardMiningChannel,
  openExtendedMiningChannel: OpenExtendedMiningChannel,
  updateChannel: UpdateChannel,
  closeChannel: CloseChannel,
} as const;

/** Refuses a frame by its header when it announces more than its message can have. */
export const acceptedPayload = payloadLimits([
  ...Object.values(decodedMessages),
  SubmitSharesStandard,
  SubmitSharesExtended,
]);

type DecodedMessages = typeof decodedMessages;

export type Handlers = {
  readonly [K in keyof DecodedMessages]: (connection: Connection, message: MessageOf<DecodedMessages[K]>) => void;
} & {
  /** A submitted share, `payload` valid during the call only. Returns what is wrong with its bytes, if anything. */
  readonly submitSharesStandard: (connection: Connection, payload: Uint8Array) => DecodeFault | undefined;
  readonly submitSharesExtended: (connection: Connection, payload: Uint8Array) => DecodeFault | undefined;
};

interface Route {
  readonly message: Message;
  readonly handle: (connection: Connection, message: never) => void;
}

export class Router {
  readonly #handlers: Handlers;
  readonly #counters: Sv2Counters;
  readonly #routes = new Map<number, Route>();

  constructor(handlers: Handlers, counters: Sv2Counters) {
    this.#handlers = handlers;
    this.#counters = counters;
    for (const name of Object.keys(decodedMessages) as (keyof DecodedMessages)[]) {
      const message = decodedMessages[name];
      this.#routes.set(routeKey(message.extensionType, message.type), { message, handle: handlers[name] });
    }
  }

  /** `extensionType` is as on the wire. */
  route(connection: Connection, extensionType: number, msgType: number, payload: Uint8Array): void {
    // The channel bit is no part of a message's name [sv2 3.2].
    const extension = extensionType & ~CHANNEL_MSG_BIT;
    const route = this.#routes.get(routeKey(extension, msgType));
    const isSetup = route?.message === SetupConnection;
    if (connection.state !== 'open' && !isSetup)
      connection.cut('setup-not-first', `extension ${extension}, message ${msgType}`);
    else if (extension === 0 && msgType === SubmitSharesStandard.type)
      this.#check(connection, this.#handlers.submitSharesStandard(connection, payload));
    else if (extension === 0 && msgType === SubmitSharesExtended.type)
      this.#check(connection, this.#handlers.submitSharesExtended(connection, payload));
    // A second SetupConnection changes nothing: what was agreed holds for the life of the connection.
    else if (route === undefined || (isSetup && connection.state === 'open')) this.#counters.ignoredMessages += 1;
    else this.#decode(connection, route, payload);
  }

  #decode(connection: Connection, route: Route, payload: Uint8Array): void {
    const decoded = decodePayload(route.message, payload);
    if (decoded.ok) route.handle(connection, decoded.value as never);
    else this.#check(connection, decoded);
  }

  #check(connection: Connection, fault: DecodeFault | undefined): void {
    if (fault !== undefined) connection.cut('malformed-message', `${fault.code} at ${fault.where}`);
  }
}

function routeKey(extension: number, msgType: number): number {
  return (extension << 8) | msgType;
}
