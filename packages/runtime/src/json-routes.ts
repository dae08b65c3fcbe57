// What a service tells of its own state over HTTP, as JSON, beside /livez, /readyz and /metrics. Reading alone: a question changes nothing.

export interface JsonAnswer {
  readonly status: 200 | 400 | 401 | 405 | 500;
  /** What JSON.stringify takes. */
  readonly body: unknown;
}

/** Called at each question, with what stands behind the `?`. Must be bounded: the process does nothing else meanwhile. */
export type JsonRoute = (query: URLSearchParams) => JsonAnswer;

/** The routes of one process. */
export class JsonRoutes {
  readonly #routes = new Map<string, JsonRoute>();

  /** Adds or replaces a route. @param path exact, such as `/api/v1/workers`. */
  add(path: string, route: JsonRoute): void {
    this.#routes.set(path, route);
  }

  find(path: string): JsonRoute | undefined {
    return this.#routes.get(path);
  }

  get paths(): readonly string[] {
    return [...this.#routes.keys()];
  }
}
