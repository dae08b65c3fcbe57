// The scaling of share validators, as it is done: their lag is asked for, and how many there are to be is kept among the annotations of the pool, by
// which the next reconciliation makes their Deployment.
import type { Clock } from '@sluice/runtime/clock';
import type { MiningPool } from '../api/v1alpha1.ts';
import { Controller, type ControllerModules } from '../control/controller.ts';
import type { CustomResource } from '../control/reconciler.ts';
import type { Workload } from '../desired/workload.ts';
import { keyOf } from '../kubernetes/resource.ts';
import { decideValidators } from '../scaling/share-validators.ts';
import { isActedOn } from './acted-on.ts';
import { OwnWrites } from './own-writes.ts';
import { PodLags } from './pod-lags.ts';
import type { Pod } from './pods.ts';
import type { ScaledObjects } from './scaled-objects.ts';
import type { Scraper } from './scraper.ts';

const EVERY_MS = 12_000;
/** Part of it that is left to chance. */
const JITTER = 0.2;

export interface ValidatorScalingModules {
  readonly objects: ScaledObjects;
  readonly scraper: Scraper;
  readonly clock: Clock;
  readonly controller: ControllerModules;
}

interface Followed {
  pool: MiningPool;
  readonly written: OwnWrites;
  readonly lags: PodLags;
}

export class ValidatorScaling {
  readonly #modules: ValidatorScalingModules;
  readonly #controller: Controller;
  /** By the key of the pool. */
  readonly #pools = new Map<string, Followed>();

  /** @param workers pools that are looked at at once */
  constructor(workers: number, modules: ValidatorScalingModules) {
    this.#modules = modules;
    const reconcile = (key: string, signal: AbortSignal) => this.#look(key, signal);
    this.#controller = new Controller({ name: 'share-validator-scaling', workers, reconcile }, modules.controller);
  }

  start(): void {
    this.#controller.start();
  }

  /** Resolves when nothing is under way any more. */
  stop(): Promise<void> {
    return this.#controller.stop();
  }

  /** From now on they are scaled as it says here, until the pool is paused, deleted or gone. */
  follow(pool: MiningPool): void {
    const key = keyOf(pool.metadata);
    const before = this.#pools.get(key);
    if (before !== undefined && before.pool.metadata.uid === pool.metadata.uid) {
      before.pool = pool;
      return;
    }
    const { scraper, clock } = this.#modules;
    this.#pools.set(key, { pool, written: new OwnWrites(), lags: new PodLags(scraper, clock) });
    this.#controller.add(key);
  }

  async #look(key: string, signal: AbortSignal): Promise<{ readonly requeueAfterMs?: number }> {
    const followed = this.#pools.get(key);
    if (followed === undefined) return {};
    const owner = this.#modules.objects.owner(key);
    if (!isActedOn(owner, followed.pool)) {
      this.#pools.delete(key);
      return {};
    }
    const { minReplicas, maxReplicas } = followed.pool.spec.services.shareValidator;
    if (minReplicas < maxReplicas) {
      // What they say counts at the next look: those that say nothing must not take the time of other pools.
      const running = this.#running(followed.pool);
      followed.lags.ask(running, signal);
      if (followed.written.areSeen()) await this.#decide(owner, followed, running);
    }
    return { requeueAfterMs: EVERY_MS * (1 + JITTER * this.#modules.controller.random()) };
  }

  async #decide(owner: CustomResource, { pool, written, lags }: Followed, running: readonly Pod[]): Promise<void> {
    const { minReplicas, maxReplicas } = pool.spec.services.shareValidator;
    const ownerAnnotations = owner.metadata.annotations ?? {};
    const annotations = decideValidators({
      ...{ minReplicas, maxReplicas, ownerAnnotations, nowMs: this.#modules.clock.now() },
      lagsSeconds: lags.of(running),
    });
    const isNews = Object.entries(annotations).some(([name, value]) => ownerAnnotations[name] !== value);
    if (isNews) await this.#modules.objects.write(owner, { kind: 'state', annotations }, written);
  }

  #running(pool: MiningPool): readonly Pod[] {
    const workload: Workload = { owner: pool, infix: 'sv', component: 'share-validator' };
    return this.#modules.objects.pods(workload).filter(({ status }) => status?.phase === 'Running' && status.podIP);
  }
}
