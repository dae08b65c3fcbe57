// What the outside asks a process over HTTP: /livez (is it alive), /readyz (may it be given work, and why not), /metrics, and what routes the
// service has added; and the orders that it takes.
// Bounded: small requests only, a few connections, short deadlines. Readiness is a set of named checks with reasons.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { messageOf, RuntimeError } from './errors.ts';
import type { JsonAnswer, JsonRoutes } from './json-routes.ts';
import type { MetricsRegistry } from './metrics.ts';
import type { OrderRoutes } from './order-routes.ts';

/** Connections held at once; more are refused. The operator, a scraper and a kubelet need five. */
const MAX_CONNECTIONS = 32;
const REQUEST_TIMEOUT_MS = 5_000;
/** Of a connection without a request: longer than the operator leaves between two, for whom a new one is twice the work. */
export const IDLE_TIMEOUT_MS = 20_000;
const MAX_HEADER_BYTES = 8_192;

/** Answers with the reason why not, or `undefined` when all is well. Called at each question: must be cheap. */
export type ReadinessCheck = () => string | undefined;

export interface Readiness {
  readonly ready: boolean;
  /** Every check by name with its reason, `undefined` when well. */
  readonly checks: ReadonlyMap<string, string | undefined>;
}

/** The readiness of one process. */
export class Health {
  readonly #checks = new Map<string, ReadinessCheck>();
  #stopping = false;

  /** Adds or replaces a check. */
  check(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check);
  }

  /** From now on never ready again: the process is about to end. */
  stopping(): void {
    this.#stopping = true;
  }

  readiness(): Readiness {
    const checks = new Map<string, string | undefined>();
    for (const [name, check] of this.#checks) checks.set(name, check());
    if (this.#stopping) checks.set('running', 'stopping');
    return { ready: [...checks.values()].every((reason) => reason === undefined), checks };
  }
}

export interface HealthServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface HealthServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface HealthServerModules {
  readonly health: Health;
  readonly metrics: MetricsRegistry;
  /** Of a service that has some. */
  readonly routes?: JsonRoutes;
  /** The same. */
  readonly orderRoutes?: OrderRoutes;
}

/** @throws RuntimeError `listen-failed`. */
export async function startHealthServer(
  options: HealthServerOptions,
  modules: HealthServerModules,
): Promise<HealthServer> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: IDLE_TIMEOUT_MS }, (req, res) => {
    answer(req, res, modules).catch((error: unknown) => send(res, 500, `${messageOf(error)}\n`));
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return { host: options.host, port, close: () => close(server) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { health, metrics, routes, orderRoutes }: HealthServerModules,
): Promise<void> {
  const { method, headers, url = '/' } = request;
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const { authorization } = headers;
  const ordered = orderRoutes?.answer(pathname, { method, authorization, query: searchParams });
  if (ordered !== undefined) return sendJson(response, ordered);
  const paths = ['/livez', '/readyz', '/metrics', ...(routes?.paths ?? [])];
  if (!paths.includes(pathname))
    return send(response, 404, `one of ${[...paths, ...(orderRoutes?.paths ?? [])].join(' ')}\n`);
  if (method !== 'GET' && method !== 'HEAD') return send(response, 405, 'GET only\n');
  switch (pathname) {
    case '/livez':
      return send(response, 200, 'ok\n');
    case '/readyz': {
      const { ready, checks } = health.readiness();
      const lines = [...checks].map(
        ([name, reason]) =>
          `${reason === undefined ? 'ok  ' : 'wait'} ${name}${reason === undefined ? '' : `: ${reason}`}\n`,
      );
      return send(response, ready ? 200 : 503, `${ready ? 'ready' : 'not ready'}\n${lines.join('')}`);
    }
    case '/metrics':
      return send(response, 200, await metrics.scrape(), metrics.contentType);
    default: {
      const answered = routes?.find(pathname)?.(searchParams);
      if (answered !== undefined) sendJson(response, answered);
    }
  }
}

function sendJson(response: ServerResponse, { status, body }: JsonAnswer): void {
  send(response, status, `${JSON.stringify(body)}\n`, 'application/json');
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

function listen(server: Server, { host, port }: HealthServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const where = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
      reject(new RuntimeError('listen-failed', `health server cannot listen on ${where}: ${messageOf(cause)}`, cause));
    });
    server.listen({ host, port }, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
