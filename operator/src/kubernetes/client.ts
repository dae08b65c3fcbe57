// Requests to the Kubernetes API over HTTPS: one that is answered at once, and one whose answer goes on. Objects pass as they are: no
// model of them drops a field that a newer API server knows.
import { addAbortListener } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { CodedError, messageOf } from '@sluice/runtime/errors';
import { createMetrics, type MetricsOf, type MetricsRegistry } from '@sluice/runtime/metrics';
import type { ClusterAccess, Credentials } from './cluster-access.ts';
import { errorOfStatus, KubernetesError } from './errors.ts';
import { requestMetrics } from './metrics.ts';

/** Requests under way at once; further ones wait. Watches are apart: there is one for each kind and namespace. */
const MAX_CONNECTIONS = 16;
const REQUEST_TIMEOUT_MS = 30_000;
/** A page of a list is far below this, and no object can be as large. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;
const USER_AGENT = 'sluice-operator';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  /** Of the body; JSON by default. */
  readonly contentType?: string;
  /** Ends the request early. */
  readonly signal?: AbortSignal | undefined;
  /** Called when nothing is waited for any more and all of it leaves next. It may throw a CodedError: then nothing is sent. */
  readonly beforeSend?: () => void;
}

export class KubernetesClient {
  readonly #access: ClusterAccess;
  readonly #requests: Agent;
  readonly #watches: Agent;
  readonly #metrics: MetricsOf<typeof requestMetrics>;

  constructor(access: ClusterAccess, { metrics }: { readonly metrics: MetricsRegistry }) {
    this.#access = access;
    this.#requests = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
    this.#watches = new Agent({ keepAlive: true });
    this.#metrics = createMetrics(metrics, requestMetrics);
  }

  /**
   * Resolves with the object that was answered.
   * @throws KubernetesError for every status but 2xx, and where there is no answer; what `beforeSend` throws
   */
  async request<T>(asked: ApiRequest): Promise<T> {
    const deadline = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const signal = asked.signal === undefined ? deadline : AbortSignal.any([asked.signal, deadline]);
    try {
      const answer = await this.#send(asked, this.#requests, signal);
      return parseObject(await textOf(answer)) as T;
    } catch (error) {
      if (!deadline.aborted) throw error;
      const what = `${asked.method} ${asked.path}: no answer within ${REQUEST_TIMEOUT_MS} ms`;
      throw new KubernetesError('api-timeout', what, { cause: error });
    }
  }

  /** Resolves with a body that goes on until the signal, or the API server, ends it. @throws as `request` */
  async stream(path: string, query: Query, signal: AbortSignal): Promise<IncomingMessage> {
    return this.#send({ method: 'GET', path, query }, this.#watches, signal);
  }

  /** Ends the connections that are kept for later. */
  close(): void {
    this.#requests.destroy();
    this.#watches.destroy();
  }

  async #send(asked: ApiRequest, agent: Agent, signal: AbortSignal): Promise<IncomingMessage> {
    const { method } = asked;
    let answer: IncomingMessage;
    try {
      // A program that hands them out may hang.
      const credentials = await orAborted(this.#access.credentials(), signal);
      // Agents keep connections of other certificates apart.
      const options = { agent, ...credentials, method, signal, headers: headersOf(asked, credentials) };
      answer = await exchange(this.#urlOf(asked), options, asked);
    } catch (error) {
      this.#metrics.requests.with({ code: '<error>', method }).inc();
      throw error instanceof CodedError ? error : unreachable(asked, error);
    }
    const status = answer.statusCode ?? 0;
    this.#metrics.requests.with({ code: String(status), method }).inc();
    if (status >= 200 && status < 300) return answer;
    throw await refusalOf(asked, status, answer);
  }

  #urlOf({ path, query = {} }: ApiRequest): string {
    const given = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
    return `${this.#access.url}${path}${given.size === 0 ? '' : `?${given}`}`;
  }
}

const headersOf = ({ body, contentType = 'application/json' }: ApiRequest, { headers }: Credentials) => ({
  ...headers,
  accept: 'application/json',
  'user-agent': USER_AGENT,
  ...(body === undefined ? {} : { 'content-type': contentType }),
});

/** As the promise, but that nobody waits for it beyond the signal. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  using _ = addAbortListener(signal, () => aborted.reject(signal.reason));
  return await Promise.race([work, aborted.promise]);
}

function exchange(url: string, options: RequestOptions, { body, beforeSend }: ApiRequest): Promise<IncomingMessage> {
  const text = body === undefined ? '' : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, resolve);
    outgoing.on('error', reject);
    // Node says nothing of the length with DELETE by itself: the preconditions would be the beginning of the next request.
    if (text !== '') outgoing.setHeader('content-length', Buffer.byteLength(text));
    const send = () => {
      try {
        beforeSend?.();
        outgoing.end(text);
      } catch (error) {
        reject(error);
        outgoing.destroy();
      }
    };
    outgoing.once('socket', (socket: TLSSocket) => {
      // Null until its handshake is over, which may take a while.
      if (socket.alpnProtocol === null) socket.once('secureConnect', send);
      else send();
    });
  });
}

const unreachable = ({ method, path }: ApiRequest, cause: unknown) =>
  new KubernetesError('api-unreachable', `${method} ${path}: ${messageOf(cause)}`, { cause });

/** What the API server says of a request that it does not fulfil. */
async function refusalOf(asked: ApiRequest, status: number, answer: IncomingMessage): Promise<KubernetesError> {
  const text = await textOf(answer);
  const headers: IncomingHttpHeaders = answer.headers;
  return errorOfStatus(status, `${asked.method} ${asked.path}: ${statusMessage(text)}`, headers['retry-after']);
}

/** The message of a `Status`, or the text of whatever stands in front of the API server. */
function statusMessage(text: string): string {
  try {
    const { message } = JSON.parse(text);
    return typeof message === 'string' ? message : 'refused without a message';
  } catch {
    return text.trim().slice(0, 200) || 'refused without a message';
  }
}

/** @throws KubernetesError `api-unreachable` when it ends too early, `api-answer` when it does not end */
async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES)
        throw new KubernetesError('api-answer', `an answer of more than ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof KubernetesError) throw error;
    throw new KubernetesError('api-unreachable', `an answer broke off: ${messageOf(error)}`, { cause: error });
  }
  return Buffer.concat(chunks).toString();
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new KubernetesError('api-answer', `an answer is no JSON: ${messageOf(error)}`);
  }
}
