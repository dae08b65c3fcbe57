// From a frame to its handler. Unknown messages and those of servers are ignored, as the specification asks [sv2 3.4.1]; a payload
// that cannot be decoded, or anything before SetupConnection, ends the connection.
import type { Logger } from '@sluice/runtime/logger';
import { CHANNEL_MSG_BIT } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import { payloadLimits } from '@sluice/sv2/payload-limits';
import type { DistributionCounters } from './counters.ts';
import type { TemplateClient } from './template-client.ts';

const accepted = {
  setupConnection: SetupConnection,
  coinbaseOutputConstraints: CoinbaseOutputConstraints,
  requestTransactionData: RequestTransactionData,
  submitSolution: SubmitSolution,
} as const;
type Accepted = typeof accepted;

/** Refuses a frame by its header when it announces more than its message can have. */
export const acceptedPayload = payloadLimits(Object.values(accepted));

/** What a handler is given belongs to it. */
export type Handlers = {
  readonly [K in keyof Accepted]: (client: TemplateClient, message: MessageOf<Accepted[K]>) => void;
};

interface Route {
  readonly message: Message;
  readonly handle: (client: TemplateClient, message: never) => void;
}

export class Router {
  readonly #log: Logger;
  readonly #counters: DistributionCounters;
  readonly #routes = new Map<number, Route>();

  constructor(handlers: Handlers, modules: { readonly log: Logger; readonly counters: DistributionCounters }) {
    this.#log = modules.log;
    this.#counters = modules.counters;
    for (const name of Object.keys(accepted) as (keyof Accepted)[])
      this.#routes.set(accepted[name].type, { message: accepted[name], handle: handlers[name] });
  }

  /** `extensionType` is as on the wire. */
  route(client: TemplateClient, extensionType: number, msgType: number, payload: Uint8Array): void {
    // The channel bit is no part of a message's name [sv2 3.2].
    const extension = extensionType & ~CHANNEL_MSG_BIT;
    const route = extension === 0 ? this.#routes.get(msgType) : undefined;
    const isSetup = route?.message === SetupConnection;
    if (client.state !== 'open' && !isSetup)
      client.cut('setup-not-first', `extension ${extension}, message ${msgType}`);
    // A second SetupConnection changes nothing: what was agreed holds for the life of the connection.
    else if (route === undefined || (client.state === 'open' && isSetup)) {
      this.#counters.ignoredMessages += 1;
      const fields = { connection: client.id, extension, msgType, bytes: payload.length };
      this.#log.debug(fields, isSetup ? 'SetupConnection once more' : 'no message for a template provider');
    } else this.#decode(client, route, payload);
  }

  #decode(client: TemplateClient, route: Route, payload: Uint8Array): void {
    const decoded = decodePayload(route.message, Uint8Array.from(payload));
    if (decoded.ok) route.handle(client, decoded.value as never);
    else client.cut('malformed-message', `${decoded.code} at ${decoded.where}`);
  }
}
