// A Template Distribution server as a source of work [sv2 7]: another provider of ours, or one built into a node. It says less than a node
// does (no headers, no chainwork, no word on a block), so that what is missing is unknown here and not guessed.
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { decodeBlockHead } from '@sluice/bitcoin/block';
import type { Network } from '@sluice/bitcoin/network';
import { providerWords } from '@sluice/bus/payloads/solution';
import type { ConnectionModules } from '@sluice/client/connection';
import { reconnectDelay } from '@sluice/client/reconnect-delay';
import type { ServerUrl } from '@sluice/client/server-url';
import { TemplateConnection } from '@sluice/client/template-connection';
import { TemplateServerError } from '@sluice/client/template-errors';
import { formatHostPort } from '@sluice/runtime/config/value-types';
import { RequestTransactionData } from '@sluice/sv2/messages/template-distribution/request-transaction-data';
import { SubmitSolution } from '@sluice/sv2/messages/template-distribution/submit-solution';
import type { NodeListener, NodeSource, NodeTrouble, SubmitAnswer, TipOrigin } from '../node-source.ts';
import type { CoinbaseReserve, PreparedTemplate } from '../prepare-template.ts';
import { KnownTips } from './known-tips.ts';
import { ServerTemplates } from './server-templates.ts';
import { serverTrouble } from './server-trouble.ts';
import { ToldWork, type ToldWorkModules } from './told-work.ts';

/** A server that is away is asked again at least this often: it may be the only source of work. */
const MAX_RECONNECT_MS = 10_000;
/** A server that hangs somewhere on the way to its first template does not keep the provider from starting for longer. */
export const FIRST_WORD_MS = 5_000;
/** So long a block may take to come back as the server's tip. */
export const TIP_OF_BLOCK_MS = 5_000;

export interface TemplateServerOptions {
  readonly url: ServerUrl;
  readonly network: Network;
  /** The room that every template of the server leaves. */
  readonly reserve: CoinbaseReserve;
  /** Where what a block needs is kept, a file for each server. */
  readonly directory: string;
}

export interface TemplateServerModules extends ConnectionModules, ToldWorkModules {
  /** The signal ends an attempt that nobody waits for any more. */
  readonly connect: (host: string, port: number, signal: AbortSignal) => Promise<Duplex>;
  /** Resolves after the time, or at the signal. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export class TemplateServerNode implements NodeSource {
  readonly name: string;
  readonly announces = true;
  readonly #options: TemplateServerOptions;
  readonly #modules: TemplateServerModules;
  readonly #work: ToldWork;
  readonly #tips = new KnownTips();
  readonly #stopped = new AbortController();
  #listener: NodeListener | undefined;
  #connection: TemplateConnection | undefined;
  #toldTrouble: NodeTrouble | undefined | 'nothing' = 'nothing';
  #failures = 0;
  #running: Promise<void> | undefined;
  readonly #firstWord = Promise.withResolvers<void>();

  constructor(options: TemplateServerOptions, modules: TemplateServerModules) {
    this.#options = options;
    this.#modules = modules;
    this.name = formatHostPort(options.url);
    const file = `${this.name.replaceAll(/[^\w.-]/g, '_')}.json`;
    this.#work = new ToldWork(join(options.directory, file), modules);
  }

  async start(listener: NodeListener): Promise<void> {
    this.#listener = listener;
    await this.#work.load();
    this.#running = this.#stayConnected();
    const patience = setTimeout(() => this.#tellTrouble('no-template', 'it has told no template yet'), FIRST_WORD_MS);
    await this.#firstWord.promise;
    clearTimeout(patience);
  }

  /** `no-room`: the fees of single transactions are not told, so that none can be dropped for more room than the server was asked for. */
  async variant(
    base: PreparedTemplate,
    { outputsSize, outputsSigops }: CoinbaseReserve,
  ): Promise<PreparedTemplate | 'no-room'> {
    const { reserve } = this.#options;
    return outputsSize <= reserve.outputsSize && outputsSigops <= reserve.outputsSigops ? base : 'no-room';
  }

  async submitBlock(block: Uint8Array): Promise<SubmitAnswer> {
    const connection = this.#connection;
    if (connection === undefined) throw new Error(`not connected to ${this.name}`);
    const head = decodeBlockHead(block);
    if (head === undefined) throw new Error('these bytes are no block');
    const { header, hash, coinbase } = head;
    if (this.#tips.has(hash)) return 'duplicate';
    const templateId = this.#work.find(header.prevHash, coinbase.txid, header.merkleRoot);
    if (templateId === undefined) return providerWords.notItsTemplate;
    connection.send(SubmitSolution, {
      templateId,
      version: header.version,
      headerTimestamp: header.ntime,
      headerNonce: header.nonce,
      coinbaseTx: coinbase.bytes,
    });
    // The protocol has no answer.
    const ended = new AbortController();
    void connection.closed.then(() => ended.abort());
    if (await this.#tips.until(hash, TIP_OF_BLOCK_MS, ended.signal)) return null;
    if (ended.signal.aborted) throw new Error(`the connection to ${this.name} ended before the block was its tip`);
    return 'inconclusive';
  }

  /** A server gives no blocks. */
  async block(): Promise<undefined> {
    return undefined;
  }

  /** Whether it has been the server's tip, as far as it is remembered. */
  async isInChain(hash: Uint8Array): Promise<boolean> {
    return this.#tips.has(hash);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#connection?.close(new Error('the provider stops'));
    await this.#running;
    await this.#work.flush();
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const { trouble, detail, lasts } = serverTrouble(await this.#connectOnce());
      if (signal.aborted) break;
      this.#tellTrouble(trouble, detail);
      this.#failures += 1;
      const delay = reconnectDelay(this.#failures, this.#modules.random, lasts);
      const atMost = lasts ? delay : Math.min(delay, MAX_RECONNECT_MS);
      await this.#modules.sleep(atMost, signal);
    }
    this.#firstWord.resolve();
  }

  /** One connection from its start to its end; resolves with the reason of that. */
  async #connectOnce(): Promise<unknown> {
    const { url, reserve } = this.#options;
    const { signal } = this.#stopped;
    let templates: ServerTemplates | undefined;
    try {
      const stream = await this.#modules.connect(url.host, url.port, signal);
      const abandon = () => stream.destroy();
      signal.addEventListener('abort', abandon);
      const connection = await TemplateConnection.open(stream, { url, constraints: reserve }, this.#modules).finally(
        () => signal.removeEventListener('abort', abandon),
      );
      const of = this.#templatesOf(connection);
      templates = of;
      connection.receive({
        setUp: () => undefined,
        newTemplate: (message) => of.newTemplate(message),
        setNewPrevHash: (message) => of.setNewPrevHash(message),
        transactions: (message) => of.transactions(message),
        noTransactions: (message) => of.noTransactions(message),
      });
      this.#connection = connection;
      if (signal.aborted) connection.close(new Error('the provider stops'));
      return await connection.closed;
    } catch (reason) {
      return reason;
    } finally {
      templates?.stop();
      this.#connection = undefined;
    }
  }

  #templatesOf(connection: TemplateConnection): ServerTemplates {
    let origin: TipOrigin = 'start';
    return new ServerTemplates(this.#options, {
      work: this.#work,
      tips: this.#tips,
      now: () => this.#modules.now(),
      requestTransactions: (templateId) => connection.send(RequestTransactionData, { templateId }),
      onTip: (news) => {
        this.#listener?.onTip(news, origin);
        origin = 'announcement';
      },
      onTemplate: (template) => {
        this.#failures = 0;
        this.#listener?.onTemplate(template);
        this.#tellTrouble(undefined, 'gives work');
      },
      onNoTemplate: (detail) => this.#tellTrouble('no-template', detail),
      onOverdue: () =>
        connection.close(
          new TemplateServerError('template-server-silent', 'the transactions of a template did not come'),
        ),
    });
  }

  #tellTrouble(trouble: NodeTrouble | undefined, detail: string): void {
    this.#firstWord.resolve();
    if (this.#toldTrouble === trouble) return;
    this.#toldTrouble = trouble;
    this.#listener?.onHealth(trouble, detail);
  }
}
