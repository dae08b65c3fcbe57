// The Kubernetes API over HTTPS as a test uses it: one request, its status and what was answered, with nothing in between.
import { Agent, request } from 'node:https';

export interface ApiAnswer {
  /** The status code of HTTP. */
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each object of the API has a shape of its own; tests know which.
  readonly body: any;
}

/** What was answered. @throws Error with what the API server has against it, where it has not done it */
export function taken({ status, body }: ApiAnswer): ApiAnswer['body'] {
  if (status >= 300) throw new Error(`${status}: ${body.message}`);
  return body;
}

export class ApiClient {
  readonly #url: string;
  readonly #token: string;
  readonly #agent: Agent;

  /** @param certificateAuthority in PEM @param token of a user or a ServiceAccount */
  constructor(url: string, certificateAuthority: string, token: string) {
    this.#url = url;
    this.#token = token;
    this.#agent = new Agent({ ca: certificateAuthority, keepAlive: true });
  }

  get(path: string): Promise<ApiAnswer> {
    return this.#send('GET', path);
  }

  put(path: string, body: unknown): Promise<ApiAnswer> {
    return this.#send('PUT', path, 'application/json', body);
  }

  post(path: string, body: unknown): Promise<ApiAnswer> {
    return this.#send('POST', path, 'application/json', body);
  }

  delete(path: string): Promise<ApiAnswer> {
    return this.#send('DELETE', path);
  }

  /** Server-side apply; `path` ends in the object's name. Unknown fields are refused. */
  apply(path: string, body: unknown, { dryRun = false } = {}): Promise<ApiAnswer> {
    const query = `fieldManager=test&fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`;
    return this.#send('PATCH', `${path}?${query}`, 'application/apply-patch+yaml', body);
  }

  #send(method: string, path: string, contentType?: string, body?: unknown): Promise<ApiAnswer> {
    const authorization = `Bearer ${this.#token}`;
    const headers = { authorization, ...(contentType === undefined ? {} : { 'content-type': contentType }) };
    return new Promise((resolve, reject) => {
      const outgoing = request(`${this.#url}${path}`, { method, agent: this.#agent, headers }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = incoming.headers['content-type']?.startsWith('application/json') ?? false;
          resolve({ status: incoming.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
