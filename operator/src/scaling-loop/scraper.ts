// What pods say of themselves: their connections and what they do with them, their CPU, of share validators how far they are behind, and of template
// providers how high the chain is.
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsOf } from '@sluice/runtime/metrics';
import type { scalingMetrics } from './metrics.ts';
import type { PodAnswer, PodRequest, PodRequests } from './pod-requests.ts';
import type { Pod } from './pods.ts';

const OK = 200;
const REFUSED = 401;

export interface DrainProgress {
  readonly connections: number;
  readonly order: string | undefined;
}

export interface ProgressOptions {
  readonly token: string;
  /** Ends the question. */
  readonly signal: AbortSignal;
  /** Called where the pod does not know the token. */
  readonly onRefused: () => void;
}

export interface ScraperModules {
  readonly requests: PodRequests;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsOf<typeof scalingMetrics>;
}

export class Scraper {
  readonly #modules: ScraperModules;

  constructor(modules: ScraperModules) {
    this.#modules = modules;
  }

  /** undefined: it did not say. */
  async progress(pod: Pod, { token, signal, onRefused }: ProgressOptions): Promise<DrainProgress | undefined> {
    return this.#ask(pod, { method: 'GET', path: '/drain', token, signal }, ({ status, text }) => {
      if (status === REFUSED) onRefused();
      return status === OK ? progressIn(text) : undefined;
    });
  }

  /** The value of a metric without labels; undefined: it did not say. @param signal ends the question */
  async metric(pod: Pod, name: string, signal: AbortSignal): Promise<number | undefined> {
    const read = ({ status, text }: PodAnswer) => (status === OK ? metricIn(text, name) : undefined);
    return this.#ask(pod, { method: 'GET', path: '/metrics', signal }, read);
  }

  async #ask<T>(pod: Pod, asked: PodRequest, read: (answer: PodAnswer) => T | undefined): Promise<T | undefined> {
    const { requests, clock, log, metrics } = this.#modules;
    const begin = clock.monotonic();
    try {
      const answer = await requests.send(pod, asked);
      const value = read(answer);
      if (value === undefined) throw new Error(`status ${answer.status}: ${answer.text.slice(0, 100)}`);
      metrics.scrapes.with({ result: 'answered' }).inc();
      return value;
    } catch (error) {
      metrics.scrapes.with({ result: 'failed' }).inc();
      const { namespace, name } = pod.metadata;
      log.debug({ namespace, pod: name, path: asked.path, reason: messageOf(error) }, 'a pod does not say how it is');
      return undefined;
    } finally {
      metrics.scrapeTime.observe((clock.monotonic() - begin) / 1_000);
    }
  }
}

function progressIn(text: string): DrainProgress | undefined {
  const { connections, order } = JSON.parse(text);
  if (!Number.isSafeInteger(connections) || connections < 0) return undefined;
  return { connections, order: typeof order === 'string' ? order : undefined };
}

/** Of hundreds of lines the one that is wanted, without taking all of them apart. */
function metricIn(text: string, name: string): number | undefined {
  const at = `\n${text}`.indexOf(`\n${name} `);
  if (at < 0) return undefined;
  const end = text.indexOf('\n', at);
  const value = Number(text.slice(at + name.length, end < 0 ? undefined : end));
  return Number.isNaN(value) ? undefined : value;
}
