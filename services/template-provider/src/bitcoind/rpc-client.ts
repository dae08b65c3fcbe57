// JSON-RPC to one bitcoind over HTTP. Credentials come from the URL, from the cookie file that the node writes at each start, or from a folder
// that others write.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const RpcErrorCode = {
  /** No connection, no answer in time, or an answer that is not JSON-RPC. */
  unreachable: 'rpc-unreachable',
  /** The node refuses the credentials, or their file cannot be read. */
  unauthorized: 'rpc-unauthorized',
  /** The node answered with an error of its own; `nodeCode` holds its number. */
  refused: 'rpc-refused',
} as const;
export type RpcErrorCode = (typeof RpcErrorCode)[keyof typeof RpcErrorCode];

export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: RpcErrorCode;
  readonly nodeCode: number | undefined;

  constructor(code: RpcErrorCode, message: string, nodeCode?: number, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.nodeCode = nodeCode;
  }
}

export interface RpcEndpoint {
  /** `http://[user:password@]host:port`. */
  readonly url: string;
  /** Read at the first call and again when the node refuses: a restart of the node writes a new one. */
  readonly cookieFile?: string;
  /** With the files `username` and `password`, read when a cookie file is. */
  readonly credentialsFolder?: string;
}

export interface RpcAnswer {
  readonly result: unknown;
  /** The node's clock at the answer, in Unix seconds, from the HTTP `Date` header; absent where a proxy removed it. */
  readonly nodeTime: number | undefined;
}

export interface RpcCallOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

interface JsonRpcBody {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string } | null;
}

export class RpcClient {
  /** `host:port`, safe to show. */
  readonly name: string;
  readonly #url: string;
  /** `user:password` as the files hold it now; `undefined`: there are no files. */
  readonly #readCredentials: (() => Promise<string>) | undefined;
  #authorization: string | undefined;

  /** @throws TypeError when the URL is none. */
  constructor(endpoint: RpcEndpoint) {
    const url = new URL(endpoint.url);
    this.name = url.host;
    this.#readCredentials = readerOf(endpoint);
    if (url.username !== '') {
      const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      this.#authorization = basic(credentials);
    }
    url.username = '';
    url.password = '';
    this.#url = url.href;
  }

  /** @throws RpcError */
  async call(method: string, parameters: readonly unknown[], options: RpcCallOptions): Promise<RpcAnswer> {
    const first = await this.#post(method, parameters, options);
    if (first.status !== 401 || this.#readCredentials === undefined) return this.#read(method, first);
    this.#authorization = undefined;
    return this.#read(method, await this.#post(method, parameters, options));
  }

  async #post(method: string, parameters: readonly unknown[], options: RpcCallOptions): Promise<Response> {
    const authorization = await this.#credentials();
    const timeout = AbortSignal.timeout(options.timeoutMs);
    try {
      return await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
        body: JSON.stringify({ jsonrpc: '1.0', id: 'sluice', method, params: parameters }),
        signal: options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]),
      });
    } catch (error) {
      throw this.#unreachable(method, error);
    }
  }

  async #credentials(): Promise<string | undefined> {
    if (this.#authorization !== undefined || this.#readCredentials === undefined) return this.#authorization;
    try {
      this.#authorization = basic(await this.#readCredentials());
    } catch (error) {
      const message = `${this.name}: the credentials cannot be read: ${reason(error)}`;
      throw new RpcError(RpcErrorCode.unauthorized, message, undefined, error);
    }
    return this.#authorization;
  }

  async #read(method: string, response: Response): Promise<RpcAnswer> {
    if (response.status === 401 || response.status === 403) {
      await response.body?.cancel();
      throw new RpcError(RpcErrorCode.unauthorized, `${this.name} refuses the credentials (HTTP ${response.status})`);
    }
    let body: JsonRpcBody;
    try {
      body = (await response.json()) as JsonRpcBody;
    } catch (error) {
      throw this.#unreachable(method, error);
    }
    if (body.error !== undefined && body.error !== null) {
      const { code, message } = body.error;
      throw new RpcError(RpcErrorCode.refused, `${this.name}: ${method}: ${message} (${code})`, code);
    }
    const date = response.headers.get('date');
    const nodeTime = date === null ? Number.NaN : Date.parse(date) / 1000;
    return { result: body.result, nodeTime: Number.isNaN(nodeTime) ? undefined : nodeTime };
  }

  #unreachable(method: string, error: unknown): RpcError {
    return new RpcError(RpcErrorCode.unreachable, `${this.name}: ${method}: ${reason(error)}`, undefined, error);
  }
}

function readerOf({ cookieFile, credentialsFolder }: RpcEndpoint): (() => Promise<string>) | undefined {
  const read = async (file: string) => (await readFile(file, 'utf8')).trim();
  if (cookieFile !== undefined) return () => read(cookieFile);
  if (credentialsFolder === undefined) return undefined;
  return async () =>
    `${await read(join(credentialsFolder, 'username'))}:${await read(join(credentialsFolder, 'password'))}`;
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

/** The most telling line: fetch hides the system's error in `cause`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
