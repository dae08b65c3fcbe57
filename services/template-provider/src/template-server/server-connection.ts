// The protocol of a client of Template Distribution [sv2 7]: handshake, setup and constraints; then every message of the server to its
// handler. A handler that returns a string has found the server out of order, and the connection ends with it.
import type { Duplex } from 'node:stream';
import { ClientConnection, type ConnectionModules } from '@sluice/client/connection';
import { ClientError } from '@sluice/client/errors';
import type { ServerUrl } from '@sluice/client/server-url';
import { PROTOCOL_VERSION, protocols } from '@sluice/sv2/flags';
import { CHANNEL_MSG_BIT } from '@sluice/sv2/frames';
import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';
import { SetupConnection } from '@sluice/sv2/messages/common/setup-connection';
import { SetupConnectionError } from '@sluice/sv2/messages/common/setup-connection-error';
import { SetupConnectionSuccess } from '@sluice/sv2/messages/common/setup-connection-success';
import { CoinbaseOutputConstraints } from '@sluice/sv2/messages/template-distribution/coinbase-output-constraints';
import { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import { RequestTransactionDataError } from '@sluice/sv2/messages/template-distribution/request-transaction-data-error';
import { RequestTransactionDataSuccess } from '@sluice/sv2/messages/template-distribution/request-transaction-data-success';
import { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import { payloadLimits } from '@sluice/sv2/payload-limits';
import type { CoinbaseReserve } from '../prepare-template.ts';
import { TemplateServerError } from './errors.ts';

/** Of SetupConnection. */
export const SETUP_DEADLINE_MS = 10_000;

const accepted = {
  setupConnectionSuccess: SetupConnectionSuccess,
  setupConnectionError: SetupConnectionError,
  newTemplate: NewTemplate,
  setNewPrevHash: TemplateSetNewPrevHash,
  transactions: RequestTransactionDataSuccess,
  noTransactions: RequestTransactionDataError,
} as const;
type Accepted = typeof accepted;

const maxPayload = payloadLimits(Object.values(accepted));
const names = new Map<number, keyof Accepted>(
  Object.entries(accepted).map(([name, { type }]) => [type, name as keyof Accepted]),
);

type Handler<K extends keyof Accepted> = (message: MessageOf<Accepted[K]>) => string | undefined;

/** What a handler is given belongs to it, but for the transactions: these are gone when it returns. */
export type ServerHandlers = {
  readonly [K in 'newTemplate' | 'setNewPrevHash' | 'transactions' | 'noTransactions']: Handler<K>;
};

export class ServerConnection {
  /** Resolves with the reason of its end; never rejects. */
  readonly closed: Promise<Error>;
  readonly #connection: ClientConnection;
  readonly #handlers: ServerHandlers;
  readonly #reserve: CoinbaseReserve;
  readonly #deadline: NodeJS.Timeout;
  #isSetUp = false;
  /** Why it was ended from here. */
  #reason: Error | undefined;

  /** Handshake on a connected stream, then setup. @throws ClientError `client-handshake-failed`; the stream is closed then. */
  static async open(
    stream: Duplex,
    { url, reserve }: { readonly url: ServerUrl; readonly reserve: CoinbaseReserve },
    modules: ConnectionModules & { handlers(connection: ServerConnection): ServerHandlers },
  ): Promise<ServerConnection> {
    const { authorityKey } = url;
    const trust = { maxPayload, ...(authorityKey === undefined ? {} : { authorityKey }) };
    return new ServerConnection(await ClientConnection.open(stream, trust, modules), url, reserve, modules.handlers);
  }

  private constructor(
    connection: ClientConnection,
    { host, port }: ServerUrl,
    reserve: CoinbaseReserve,
    handlers: (connection: ServerConnection) => ServerHandlers,
  ) {
    this.#connection = connection;
    this.#reserve = reserve;
    this.#handlers = handlers(this);
    this.#deadline = setTimeout(
      () => this.close(new TemplateServerError('template-server-silent', 'no answer to SetupConnection')),
      SETUP_DEADLINE_MS,
    );
    this.closed = new Promise((resolve) => {
      connection.receive({
        onFrame: (extensionType, msgType, payload) => this.#onFrame(extensionType, msgType, payload),
        onClose: (reason) => {
          clearTimeout(this.#deadline);
          resolve(this.#reason ?? reason);
        },
      });
    });
    connection.send(SetupConnection, {
      protocol: protocols.templateDistribution,
      minVersion: PROTOCOL_VERSION,
      maxVersion: PROTOCOL_VERSION,
      flags: 0,
      endpointHost: host,
      endpointPort: port,
      vendor: 'Sluice',
      hardwareVersion: '',
      firmware: '',
      deviceId: '',
    });
  }

  send<M extends Message>(declared: M, value: MessageOf<M>): void {
    this.#connection.send(declared, value);
  }

  close(reason: Error): void {
    this.#reason ??= reason;
    this.#connection.close(new ClientError('client-connection-closed', reason.message));
  }

  #onFrame(extensionType: number, msgType: number, payload: Uint8Array): void {
    const name = (extensionType & ~CHANNEL_MSG_BIT) === 0 ? names.get(msgType) : undefined;
    // Messages that are not known are ignored [sv2 3.4.1].
    if (name === undefined) return;
    const declared = accepted[name];
    // The transactions of a full block are copied once, by who keeps them.
    const decoded = decodePayload(declared, name === 'transactions' ? payload : Uint8Array.from(payload));
    const fault = decoded.ok ? this.#handle(name, decoded.value as never) : `${decoded.code} at ${decoded.where}`;
    if (fault !== undefined) this.close(new TemplateServerError('template-server-fault', `${declared.name}: ${fault}`));
  }

  #handle(name: keyof Accepted, message: never): string | undefined {
    if (name === 'setupConnectionSuccess') return this.#onSetUp(message);
    if (name === 'setupConnectionError') return this.#onRefused(message);
    return this.#isSetUp ? this.#handlers[name](message) : 'before SetupConnection was answered';
  }

  #onSetUp({ usedVersion }: SetupConnectionSuccess): string | undefined {
    if (this.#isSetUp) return 'nobody asked';
    if (usedVersion !== PROTOCOL_VERSION) return `version ${usedVersion} was not offered`;
    this.#isSetUp = true;
    clearTimeout(this.#deadline);
    this.send(CoinbaseOutputConstraints, {
      coinbaseOutputMaxAdditionalSize: this.#reserve.outputsSize,
      coinbaseOutputMaxAdditionalSigops: this.#reserve.outputsSigops,
    });
    return undefined;
  }

  #onRefused({ errorCode }: SetupConnectionError): string | undefined {
    if (this.#isSetUp) return 'nobody asked';
    this.close(new TemplateServerError('template-server-refused', errorCode));
    return undefined;
  }
}
