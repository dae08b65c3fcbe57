// What pods say of themselves: their connections and what they do with them, their CPU, of share validators how far they are behind, and of template
// providers how high the chain is.
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsOf } from '@sluice/runtime/metrics';
import type { scalingMetrics } from './metrics.ts';
import type { PodRequest, PodRequests } from './pod-requests.ts';
import type { Pod } from './pods.ts';

export interface DrainProgress {
  readonly connections: number;
  readonly order: string | undefined;
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

  /** undefined: it did not say. @param signal ends the question */
  async progress(pod: Pod, token: string, signal: AbortSignal): Promise<DrainProgress | undefined> {
    return this.#ask(pod, { method: 'GET', path: '/drain', token, signal }, progressIn);
  }

  /** The value of a metric without labels; undefined: it did not say. @param signal ends the question */
  async metric(pod: Pod, name: string, signal: AbortSignal): Promise<number | undefined> {
    return this.#ask(pod, { method: 'GET', path: '/metrics', signal }, (text) => metricIn(text, name));
  }

  async #ask<T>(pod: Pod, asked: PodRequest, read: (text: string) => T | undefined): Promise<T | undefined> {
    const { requests, clock, log, metrics } = this.#modules;
    const begin = clock.monotonic();
    try {
      const { status, text } = await requests.send(pod, asked);
      const value = status === 200 ? read(text) : undefined;
      if (value === undefined) throw new Error(`status ${status}: ${text.slice(0, 100)}`);
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
