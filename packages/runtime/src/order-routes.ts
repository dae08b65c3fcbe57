// What may be told to a service over HTTP, beside what can be asked: each path with a token of its own, without which it is not even read.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from './clock.ts';
import { messageOf } from './errors.ts';
import type { JsonAnswer, JsonRoute } from './json-routes.ts';
import type { Logger } from './logger.ts';
import { OutageLog } from './outage-log.ts';

const methods = ['GET', 'POST', 'DELETE'] as const;

/** By method; what is told stands behind the `?`, and no body is read. */
export type OrderRoute = Readonly<Record<(typeof methods)[number], JsonRoute>>;

export interface OrderRequest {
  readonly method: string | undefined;
  /** The header. */
  readonly authorization: string | undefined;
  readonly query: URLSearchParams;
}

/** The routes of one process. */
export class OrderRoutes {
  readonly #routes = new Map<string, { readonly token: () => string; readonly route: OrderRoute }>();
  readonly #log: Logger;
  readonly #outage: OutageLog;

  constructor({ log, clock }: { readonly log: Logger; readonly clock: Clock }) {
    this.#log = log;
    this.#outage = new OutageLog(() => clock.monotonic());
  }

  /**
   * Adds or replaces a route. @param path exact, such as `/drain`.
   * @param token called at each request, so that it can be another one later
   */
  add(path: string, token: () => string, route: OrderRoute): void {
    this.#routes.set(path, { token, route });
  }

  /** `undefined`: there is no such path. @throws what the route throws. */
  answer(path: string, { method, authorization, query }: OrderRequest): JsonAnswer | undefined {
    const found = this.#routes.get(path);
    if (found === undefined) return undefined;
    const token = this.#tokenOf(found);
    if (token === undefined) return { status: 500, body: { error: 'the token cannot be read' } };
    if (!isSame(authorization ?? '', `Bearer ${token}`))
      return { status: 401, body: { error: 'the token is another one' } };
    const known = methods.find((each) => each === method);
    return known === undefined
      ? { status: 405, body: { error: `one of ${methods.join(' ')}` } }
      : found.route[known](query);
  }

  /** Why there is none is for the log: who asks has shown nothing yet. */
  #tokenOf({ token }: { readonly token: () => string }): string | undefined {
    try {
      const text = token();
      this.#outage.over();
      return text;
    } catch (error) {
      this.#log[this.#outage.level()]({ reason: messageOf(error) }, 'nobody can give orders');
      return undefined;
    }
  }

  get paths(): readonly string[] {
    return [...this.#routes.keys()];
  }
}

/** In a time that tells nothing of either. */
const isSame = (given: string, wanted: string) => timingSafeEqual(digest(given), digest(wanted));
const digest = (text: string) => createHash('sha256').update(text).digest();
