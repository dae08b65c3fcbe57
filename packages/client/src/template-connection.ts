// The protocol of a client of Template Distribution [sv2 7]: handshake, setup and constraints; then every message of the server to its
// handler. A handler that returns a string has found the server out of order, and the connection ends with it.
import type { Duplex } from 'node:stream';
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
import { ClientConnection, type ConnectionModules } from './connection.ts';
import { ClientError } from './errors.ts';
import type { ServerUrl } from './server-url.ts';
import { TemplateServerError } from './template-errors.ts';

/** Of SetupConnection. */
const SETUP_DEADLINE_MS = 10_000;

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
export type TemplateHandlers = {
  readonly [K in 'newTemplate' | 'setNewPrevHash' | 'transactions' | 'noTransactions']: Handler<K>;
} & {
  /** The constraints are told: solutions can be sent. */
  setUp(): void;
};

/** The room that every template is to leave [sv2 7.1]. */
export interface CoinbaseConstraints {
  /** Serialized bytes of our outputs. */
  readonly outputsSize: number;
  /** Legacy signature operations of our outputs. */
  readonly outputsSigops: number;
}

export interface TemplateConnectionOptions {
  readonly url: ServerUrl;
  readonly constraints: CoinbaseConstraints;
}

export class TemplateConnection {
  /** Resolves with the reason of its end; never rejects. */
  readonly closed: Promise<Error>;
  readonly #connection: ClientConnection;
  readonly #options: TemplateConnectionOptions;
  readonly #onClosed: (reason: Error) => void;
  #handlers: TemplateHandlers | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #isSetUp = false;
  /** Why it was ended from here. */
  #reason: Error | undefined;

  /** Runs the handshake on a connected stream, which belongs to the connection from then on. @throws ClientError `client-handshake-failed`. */
  static async open(
    stream: Duplex,
    options: TemplateConnectionOptions,
    modules: ConnectionModules,
  ): Promise<TemplateConnection> {
    const { authorityKey } = options.url;
    const trust = { maxPayload, ...(authorityKey === undefined ? {} : { authorityKey }) };
    return new TemplateConnection(await ClientConnection.open(stream, trust, modules), options);
  }

  private constructor(connection: ClientConnection, options: TemplateConnectionOptions) {
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.#connection = connection;
    this.#options = options;
    this.closed = promise;
    this.#onClosed = resolve;
  }

  /** Sets the connection up and starts to read. */
  receive(handlers: TemplateHandlers): void {
    this.#handlers = handlers;
    this.#deadline = setTimeout(
      () => this.close(new TemplateServerError('template-server-silent', 'no answer to SetupConnection')),
      SETUP_DEADLINE_MS,
    );
    this.#connection.receive({
      onFrame: (extensionType, msgType, payload) => this.#onFrame(extensionType, msgType, payload),
      onClose: (reason) => {
        clearTimeout(this.#deadline);
        this.#onClosed(this.#reason ?? reason);
      },
    });
    const { host, port } = this.#options.url;
    this.#connection.send(SetupConnection, {
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
    return this.#isSetUp ? this.#handlers?.[name](message) : 'before SetupConnection was answered';
  }

  #onSetUp({ usedVersion }: SetupConnectionSuccess): string | undefined {
    if (this.#isSetUp) return 'nobody asked';
    if (usedVersion !== PROTOCOL_VERSION) return `version ${usedVersion} was not offered`;
    this.#isSetUp = true;
    clearTimeout(this.#deadline);
    this.send(CoinbaseOutputConstraints, {
      coinbaseOutputMaxAdditionalSize: this.#options.constraints.outputsSize,
      coinbaseOutputMaxAdditionalSigops: this.#options.constraints.outputsSigops,
    });
    this.#handlers?.setUp();
    return undefined;
  }

  #onRefused({ errorCode }: SetupConnectionError): string | undefined {
    if (this.#isSetUp) return 'nobody asked';
    this.close(new TemplateServerError('template-server-refused', errorCode));
    return undefined;
  }
}
