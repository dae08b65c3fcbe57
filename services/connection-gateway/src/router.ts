// From a frame to its handler: one handler for each message that a miner may send. Unknown messages and those of servers are ignored,
// as the specification asks [sv2 3.4.1]; a payload that cannot be decoded, or anything before SetupConnection, ends the connection.
import type { Logger } from '@sluice/runtime/logger';
import type { DecodeFault } from '@sluice/sv2/errors';
import { CHANNEL_MSG_BIT } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { RequestExtensions } from '@sluice/sv2/messages/extensions/request-extensions';
import { CloseChannel } from '@sluice/sv2/messages/mining/close-channel';
import { OpenExtendedMiningChannel } from '@sluice/sv2/messages/mining/open-extended-mining-channel';
import { OpenStandardMiningChannel } from '@sluice/sv2/messages/mining/open-standard-mining-channel';
import { SetCustomMiningJob } from '@sluice/sv2/messages/mining/set-custom-mining-job';
import { SubmitSharesExtended } from '@sluice/sv2/messages/mining/submit-shares-extended';
import { SubmitSharesStandard } from '@sluice/sv2/messages/mining/submit-shares-standard';
import { UpdateChannel } from '@sluice/sv2/messages/mining/update-channel';
import { payloadLimits } from '@sluice/sv2/payload-limits';
import type { Connection } from './connection.ts';
import type { GatewayCounters } from './counters.ts';

/** What a miner may send and is decoded whole. Shares are read in place by their own handlers. */
export const decodedMessages = {
  setupConnection: SetupConnection,
  requestExtensions: RequestExtensions,
  openStandardMiningChannel: OpenStandardMiningChannel,
  openExtendedMiningChannel: OpenExtendedMiningChannel,
  updateChannel: UpdateChannel,
  closeChannel: CloseChannel,
  setCustomMiningJob: SetCustomMiningJob,
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
  readonly #log: Logger;
  readonly #counters: GatewayCounters;
  readonly #routes = new Map<number, Route>();

  constructor(handlers: Handlers, modules: { readonly log: Logger; readonly counters: GatewayCounters }) {
    this.#handlers = handlers;
    this.#log = modules.log;
    this.#counters = modules.counters;
    for (const name of Object.keys(decodedMessages) as (keyof DecodedMessages)[]) {
      const message = decodedMessages[name];
      this.#routes.set(routeKey(message.extensionType, message.type), { message, handle: handlers[name] });
    }
  }

  /** `extensionType` is as on the wire. */
  route(connection: Connection, extensionType: number, msgType: number, payload: Uint8Array): void {
    // The channel bit is no part of a message's name [sv2 3.2].
    const extension = extensionType & ~CHANNEL_MSG_BIT;
    if (connection.state !== 'open') this.#routeFirst(connection, extension, msgType, payload);
    else if (extension === 0 && msgType === SubmitSharesStandard.type)
      this.#check(connection, this.#handlers.submitSharesStandard(connection, payload));
    else if (extension === 0 && msgType === SubmitSharesExtended.type)
      this.#check(connection, this.#handlers.submitSharesExtended(connection, payload));
    else this.#routeOther(connection, extension, msgType, payload);
  }

  #routeOther(connection: Connection, extension: number, msgType: number, payload: Uint8Array): void {
    const route = this.#routes.get(routeKey(extension, msgType));
    // A second SetupConnection changes nothing: what was agreed holds for the life of the connection.
    if (route !== undefined && route.message !== SetupConnection) this.#decode(connection, route, payload);
    else {
      this.#counters.ignoredMessages += 1;
      const message = { connection: connection.id, extension, msgType, bytes: payload.length };
      this.#log.debug(message, route === undefined ? 'no message for a pool' : 'SetupConnection once more');
    }
  }

  #routeFirst(connection: Connection, extension: number, msgType: number, payload: Uint8Array): void {
    const route = this.#routes.get(routeKey(extension, msgType));
    if (route?.message !== SetupConnection)
      connection.cut('setup-not-first', `extension ${extension}, message ${msgType}`);
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
