// Requests to pods over HTTP: what they say of themselves, and what they are told. Pods that do not answer must not hold up the others, so those
// that did not before have turns of their own.
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Pod } from './pods.ts';
import { Turns } from './turns.ts';

/** Of those that answer, and as many of those that do not. */
const AT_ONCE = 32;
const TIMEOUT_MS = 2_000;
/** The metrics of a pod are a tenth of it. */
const MAX_ANSWER_BYTES = 2 ** 20;

export interface PodRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With what stands behind the `?`. */
  readonly path: string;
  readonly token?: string;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

export interface PodAnswer {
  readonly status: number;
  readonly text: string;
}

export class PodRequests {
  readonly #template: string;
  readonly #turns = new Turns(AT_ONCE);
  readonly #turnsOfSilent = new Turns(AT_ONCE);
  /** That did not answer the last time. One that the cache has another object of since then is tried among the others once more. */
  readonly #silent = new WeakSet<Pod>();
  // Pods close what says nothing for five seconds, which is less than the time between two questions.
  readonly #agent = new Agent({ keepAlive: false });

  /** @param template where a pod is asked: a URL with `{ip}`, or with `{namespace}` and `{name}`, and without a slash at its end */
  constructor(template: string) {
    this.#template = template;
  }

  /**
   * Resolves with the answer, whatever its status.
   * @param atItsTurn called right before it is sent, which may be a while later @throws what that throws; Error when there is no answer within two
   * seconds, or a large one
   */
  send(pod: Pod, asked: PodRequest, atItsTurn?: () => void): Promise<PodAnswer> {
    const turns = this.#silent.has(pod) ? this.#turnsOfSilent : this.#turns;
    return turns.take(async () => {
      atItsTurn?.();
      try {
        const answer = await this.#exchange(`${this.#urlOf(pod)}${asked.path}`, asked);
        this.#silent.delete(pod);
        return answer;
      } catch (error) {
        // One that was not waited for may be well.
        if (asked.signal?.aborted !== true) this.#silent.add(pod);
        throw error;
      }
    });
  }

  async #exchange(url: string, { method, token, signal: ended }: PodRequest): Promise<PodAnswer> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const deadline = AbortSignal.timeout(TIMEOUT_MS);
      const signal = ended === undefined ? deadline : AbortSignal.any([ended, deadline]);
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      request(url, { method, headers, agent: this.#agent, signal }, resolve).on('error', reject).end();
    });
    return { status: answer.statusCode ?? 0, text: await textOf(answer) };
  }

  #urlOf({ metadata, status }: Pod): string {
    const ip = status?.podIP ?? '';
    const values: Readonly<Record<string, string>> = {
      ip: ip.includes(':') ? `[${ip}]` : ip,
      name: metadata.name,
      namespace: metadata.namespace ?? '',
    };
    return this.#template.replace(/\{(ip|name|namespace)\}/g, (_, part: string) => values[part] ?? '');
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
