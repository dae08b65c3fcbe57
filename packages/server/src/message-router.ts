// From a frame to its handler, the same for every protocol. Unknown messages and those of servers are ignored, as the specification asks
// [sv2 3.4.1]; a payload that cannot be decoded, or anything before SetupConnection, ends the connection.
import type { Logger } from '@sluice/runtime/logger';
import type { DecodeFault } from '@sluice/sv2/errors';
import { CHANNEL_MSG_BIT } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { type PayloadLimit, payloadLimits } from '@sluice/sv2/payload-limits';
import type { PeerState } from './peer-connection.ts';

export interface RoutedConnection {
  readonly id: number;
  readonly state: PeerState;
  cut(reason: 'setup-not-first' | 'malformed-message', detail: string): void;
}

/** A message that a peer may send, and what is done with it. */
export interface Route<C> {
  readonly message: Message;
  /** `payload` is valid during the call only. Returns what is wrong with its bytes, if anything. */
  readonly read: (connection: C, payload: Uint8Array) => DecodeFault | undefined;
}

/** A message that is decoded whole; what the handler is given belongs to it. */
export function decoded<C, M extends Message>(
  message: M,
  handle: (connection: C, value: MessageOf<M>) => void,
): Route<C> {
  return {
    message,
    read(connection, payload) {
      const result = decodePayload(message, Uint8Array.from(payload));
      if (!result.ok) return result;
      handle(connection, result.value);
      return undefined;
    },
  };
}

export interface RouterModules {
  readonly log: Logger;
  readonly counters: { ignoredMessages: number };
}

export class MessageRouter<C extends RoutedConnection> {
  /** Refuses a frame by its header when it announces more than its message can have. */
  readonly acceptedPayload: PayloadLimit;
  readonly #modules: RouterModules;
  readonly #routes: ReadonlyMap<number, Route<C>>;

  /** @param routes one for each message; that of SetupConnection is taken once. */
  constructor(routes: readonly Route<C>[], modules: RouterModules) {
    this.acceptedPayload = payloadLimits(routes.map(({ message }) => message));
    this.#modules = modules;
    this.#routes = new Map(routes.map((route) => [routeKey(route.message.extensionType, route.message.type), route]));
  }

  /** `extensionType` is as on the wire. */
  route(connection: C, extensionType: number, msgType: number, payload: Uint8Array): void {
    // The channel bit is no part of a message's name [sv2 3.2].
    const extension = extensionType & ~CHANNEL_MSG_BIT;
    const route = this.#routes.get(routeKey(extension, msgType));
    const isOpen = connection.state === 'open';
    if (!isOpen && route?.message !== SetupConnection)
      connection.cut('setup-not-first', `extension ${extension}, message ${msgType}`);
    // A second SetupConnection changes nothing: what was agreed holds for the life of the connection.
    else if (route === undefined || (isOpen && route.message === SetupConnection))
      this.#ignore(connection, route, extension, msgType, payload.length);
    else {
      const fault = route.read(connection, payload);
      if (fault !== undefined) connection.cut('malformed-message', `${fault.code} at ${fault.where}`);
    }
  }

  #ignore({ id }: C, route: Route<C> | undefined, extension: number, msgType: number, bytes: number): void {
    const { log, counters } = this.#modules;
    counters.ignoredMessages += 1;
    const facts = { connection: id, extension, msgType, bytes };
    log.debug(facts, route === undefined ? 'no message for this server' : 'SetupConnection once more');
  }
}

function routeKey(extension: number, msgType: number): number {
  return (extension << 8) | msgType;
}
