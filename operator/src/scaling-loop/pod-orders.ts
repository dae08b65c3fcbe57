// What pods are told to do with their connections. One that does not hear it is told again at the next look.
import type { Clock } from '@sluice/runtime/clock';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsOf } from '@sluice/runtime/metrics';
import type { Writer } from '../apply/writer.ts';
import type { Move } from '../scaling/move-orders.ts';
import type { scalingMetrics } from './metrics.ts';
import type { PodRequest, PodRequests } from './pod-requests.ts';
import type { Pod } from './pods.ts';

/** What pods take. */
const LONGEST_SECONDS = 3_600;

/** With what pods are asked and told, and until when. */
export interface Signed {
  readonly token: string;
  readonly signal: AbortSignal;
}

export interface PodOrdersModules {
  readonly requests: PodRequests;
  /** Asked before each order, as before each write: whoever led once moves nobody. */
  readonly writer: Writer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsOf<typeof scalingMetrics>;
}

export class PodOrders {
  readonly #modules: PodOrdersModules;

  constructor(modules: PodOrdersModules) {
    this.#modules = modules;
  }

  /** @param move undefined: all that is left stays @returns whether the pod knows the token @throws ChildError `not-leader` */
  async send(pod: Pod, move: Move | undefined, asking: Signed): Promise<boolean> {
    const { requests, writer, log, metrics } = this.#modules;
    const order = move === undefined ? 'cancel' : 'move';
    const { namespace, name } = pod.metadata;
    // Not earlier: the lease may be lost while it waits for its turn.
    const atItsTurn = () => writer.assertLeading(`an order to pod ${name}`);
    try {
      const { status, text } = await requests.send(pod, { ...this.#requestOf(move), ...asking }, atItsTurn);
      if (status === 401) {
        metrics.orders.with({ order, result: 'failed' }).inc();
        return false;
      }
      if (status !== 200) throw new Error(`status ${status}: ${text.slice(0, 100)}`);
      metrics.orders.with({ order, result: 'taken' }).inc();
      log.info(
        { namespace, pod: name, order: move?.order, keep: move?.keep },
        move === undefined ? 'a pod was told to keep its connections' : 'a pod was told which connections are to go',
      );
    } catch (error) {
      if (codeOf(error) === 'not-leader') throw error;
      metrics.orders.with({ order, result: 'failed' }).inc();
      log.debug({ namespace, pod: name, reason: messageOf(error) }, 'a pod takes no order; it is told again');
    }
    return true;
  }

  #requestOf(move: Move | undefined): Pick<PodRequest, 'method' | 'path'> {
    if (move === undefined) return { method: 'DELETE', path: '/drain' };
    const { order, keep, deadlineMs } = move;
    const seconds = Math.ceil((deadlineMs - this.#modules.clock.now()) / 1_000);
    const query = new URLSearchParams({
      ...{ order, keep: String(keep) },
      seconds: String(Math.min(LONGEST_SECONDS, Math.max(1, seconds))),
    });
    return { method: 'POST', path: `/drain?${query}` };
  }
}
