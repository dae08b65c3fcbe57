// Requests to pods over HTTP: what they say of themselves, and what they are told. Pods that do not answer must not hold up the others, so those
// that did not before have turns of their own.
import { Agent, request } from 'node:http';
import type { Pod } from './pods.ts';
import { Turns } from './turns.ts';

/** Of those that answer, and as many of those that do not. */
const AT_ONCE = 32;
const TIMEOUT_MS = 2_000;
/** Of a connection without a request. Nobody probes it before: the next question finds out. */
const IDLE_TIMEOUT_MS = 60_000;
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
  /** Keeps one connection to each pod that is asked; of two times after which it is ended, this one and what the pod says of itself, the shorter. */
  readonly #agent = new Agent({ keepAlive: true, keepAliveMsecs: IDLE_TIMEOUT_MS, timeout: IDLE_TIMEOUT_MS });

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

  /** With one timer and one listener, without Node's own signal and an iterator: thousands of pods are asked again and again. */
  #exchange(url: string, { method, token, signal }: PodRequest): Promise<PodAnswer> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        reject(error);
        outgoing.destroy();
      };
      const end = () => fail(new Error('nobody waits for it any more'));
      const outgoing = request(url, { method, headers, agent: this.#agent }, (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_ANSWER_BYTES) fail(new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`));
          else chunks.push(chunk);
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        answer.on('error', fail);
      });
      const deadline = setTimeout(() => fail(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
      outgoing.on('error', fail);
      signal?.addEventListener('abort', end);
      outgoing.on('close', () => {
        clearTimeout(deadline);
        signal?.removeEventListener('abort', end);
      });
      if (signal?.aborted) end();
      else outgoing.end();
    });
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
