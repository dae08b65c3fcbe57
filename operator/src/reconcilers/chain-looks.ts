// How high the chain is that a pool mines on, as its template providers say when they are asked.
import type { Clock } from '@sluice/runtime/clock';
import type { MiningPool, MiningPoolStatus } from '../api/v1alpha1.ts';
import type { Workload } from '../desired/workload.ts';
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import { BY_WORKLOAD, isReady, type Pod, workloadKey } from '../scaling-loop/pods.ts';
import type { Scraper } from '../scaling-loop/scraper.ts';

/** Between two looks at a pool, and so between two writes of its height, however fast blocks come and however often it is reconciled. */
const LOOK_MS = 60_000;
/** Of one pool; the others have the same nodes. */
const ASKED_PODS = 4;
const HEIGHT = 'sluice_template_provider_tip_height_blocks';

export interface ChainLooksModules {
  readonly scraper: Pick<Scraper, 'metric'>;
  readonly pods: ObjectCache<Pod>;
  readonly clock: Clock;
  /** Told of a pool whose status is to say something else now. */
  readonly onNews: (pool: MiningPool) => void;
}

interface Look {
  /** By the clock that cannot be set. */
  readonly at: number;
  /** Unknown before the first answer. */
  height: number | undefined;
}

export class ChainLooks {
  readonly #modules: ChainLooksModules;
  /** By uid of the pool. */
  readonly #looks = new Map<string, Look>();

  constructor(modules: ChainLooksModules) {
    this.#modules = modules;
  }

  /**
   * What was known last; undefined: nothing ever was. Nobody waits for a look that is due: what comes of it is told as news.
   * @param signal ends the look
   */
  of(pool: MiningPool, signal: AbortSignal): MiningPoolStatus['chain'] {
    const { pods, clock } = this.#modules;
    const { uid } = pool.metadata;
    const now = clock.monotonic();
    const last = this.#looks.get(uid);
    // Another leader has said it, or nobody yet.
    const chain = last?.height === undefined ? pool.status?.chain : { height: last.height };
    if (last !== undefined && now - last.at < LOOK_MS) return chain;
    const providers: Workload = { owner: pool, infix: 'tp', component: 'template-provider' };
    const working = pods.find(BY_WORKLOAD, workloadKey(providers)).filter(givesWork);
    // One that has no provider yet is looked at again as soon as it has.
    if (working.length > 0) {
      const look = { at: now, height: chain?.height };
      this.#looks.set(uid, look);
      void this.#ask(pool, look, working.slice(0, ASKED_PODS), signal);
    }
    return chain;
  }

  /** The pool is gone. */
  forget(uid: string): void {
    this.#looks.delete(uid);
  }

  async #ask(pool: MiningPool, look: Look, providers: readonly Pod[], signal: AbortSignal): Promise<void> {
    const { scraper, onNews } = this.#modules;
    const answers = await Promise.all(providers.map((pod) => scraper.metric(pod, HEIGHT, signal)));
    const heights = answers.filter((height) => height !== undefined).filter(Number.isSafeInteger);
    if (heights.length === 0 || this.#looks.get(pool.metadata.uid) !== look) return;
    // The node of one may be behind; the pool works on the best.
    const height = Math.max(...heights);
    if (height === look.height) return;
    look.height = height;
    onNews(pool);
  }
}

/** A provider without work may be anywhere on the chain, and is not ready. */
const givesWork = (pod: Pod) =>
  pod.metadata.deletionTimestamp === undefined &&
  pod.status?.podIP !== undefined &&
  pod.status.podIP !== '' &&
  isReady(pod);
