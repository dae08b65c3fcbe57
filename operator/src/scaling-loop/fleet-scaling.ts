// The scaling of all fleets of one kind of resource, as it is done: each fleet is looked at again and again, by a clock of its own, and what
// src/scaling decides is written. Of one term: whoever leads next goes on from what the cluster holds.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsOf } from '@sluice/runtime/metrics';
import { childKind } from '../apply/child-kinds.ts';
import type { Children } from '../apply/children.ts';
import { faultReason, isChildFault } from '../control/child-faults.ts';
import { Controller, type ControllerModules } from '../control/controller.ts';
import type { CustomResource } from '../control/reconciler.ts';
import { type OwnedFleet, REVISION } from '../desired/fleet.ts';
import type { Manifest } from '../desired/manifest.ts';
import type { EventRecorder } from '../events/event-recorder.ts';
import { isKubernetesError } from '../kubernetes/errors.ts';
import { keyOf } from '../kubernetes/resource.ts';
import { decide, type ScalingDecisions, type ScalingWrite } from '../scaling/decide.ts';
import type { MoveOrder } from '../scaling/move-orders.ts';
import type { ObservedFleet, ObservedPod } from '../scaling/observed-fleet.ts';
import { rebalancingOf, stageOf } from '../scaling/pod-stage.ts';
import type { Finding } from '../status/conditions.ts';
import { isActedOn } from './acted-on.ts';
import type { FleetFound } from './fleet-found.ts';
import { type FleetSeen, FleetTelling } from './fleet-telling.ts';
import type { scalingMetrics } from './metrics.ts';
import { observedPod, observedReplicaSet } from './observed-objects.ts';
import { OrderToken } from './order-token.ts';
import { OwnWrites } from './own-writes.ts';
import type { PodOrders, Signed } from './pod-orders.ts';
import { PodSamples } from './pod-samples.ts';
import { isReady } from './pods.ts';
import type { ScaledObjects } from './scaled-objects.ts';
import type { Scraper } from './scraper.ts';

/** Between two looks at a fleet where something happens, and where nothing does but the time may decide. */
const BUSY_MS = 1_000;
const WAITING_MS = 5_000;
/** Part of it that is left to chance, so that not all fleets are looked at at once. */
const JITTER = 0.2;
/** Where nobody can be asked, and what changes is told: as often as what orders are signed with is looked at. */
const UNASKED_MS = 600_000;
/** A pod that has not come up by then is not looked at more often for it. */
const COMING_UP_MS = 120_000;
/** What belongs to others is not better a moment later. */
const REFUSED_RETRY_MS = 60_000;

export interface FleetScalingOptions {
  readonly infix: OwnedFleet['infix'];
  /** In metrics. */
  readonly name: string;
  /** Fleets that are looked at at once. */
  readonly workers: number;
  /** Between two questions to a pod with which nothing happens. */
  readonly scrapeMs: number;
}

export interface FleetScalingModules {
  readonly objects: ScaledObjects;
  readonly children: Children;
  readonly events: EventRecorder;
  readonly scraper: Scraper;
  readonly orders: PodOrders;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsOf<typeof scalingMetrics>;
  readonly controller: ControllerModules;
  /** Told the key of a resource whose status is to say something else now. */
  readonly onFound: (key: string) => void;
}

interface Followed {
  owned: OwnedFleet;
  revision: string;
  readonly written: OwnWrites;
  readonly samples: PodSamples;
  readonly token: OrderToken;
  readonly telling: FleetTelling;
  /** Why it cannot be looked at. */
  refused: Finding | undefined;
  /** The last look has found that nothing is to be done, and nothing was seen since. */
  rests: boolean;
  /** Something was seen since a look began to decide. */
  hasNews: boolean;
}

export class FleetScaling {
  readonly #options: FleetScalingOptions;
  readonly #modules: FleetScalingModules;
  readonly #controller: Controller;
  /** By the key of the resource. */
  readonly #fleets = new Map<string, Followed>();

  constructor(options: FleetScalingOptions, modules: FleetScalingModules) {
    this.#options = options;
    this.#modules = modules;
    const { name, workers } = options;
    const reconcile = (key: string, signal: AbortSignal) => this.#look(key, signal);
    this.#controller = new Controller({ name, workers, reconcile }, modules.controller);
  }

  start(): void {
    this.#controller.start();
  }

  /** Resolves when nothing is under way any more. */
  stop(): Promise<void> {
    return this.#controller.stop();
  }

  /**
   * From now on the fleet is scaled as it says here, until its resource is paused, deleted or gone. To be called at each reconciliation, before the
   * ReplicaSet of the newest revision is made: one of another revision without pods is removed.
   * @param newest the ReplicaSet of the pods that there are to be @returns what is known of it, for the status of the resource
   */
  follow(owned: OwnedFleet, newest: Pick<Manifest, 'metadata'>): FleetFound {
    const revision = newest.metadata.labels[REVISION] ?? '';
    const key = keyOf(owned.owner.metadata);
    const before = this.#fleets.get(key);
    const isSame = before?.owned.owner.metadata.uid === owned.owner.metadata.uid;
    const followed = isSame && before !== undefined ? before : this.#begin(owned, revision);
    this.#fleets.set(key, followed);
    const isNews =
      followed !== before || revision !== before.revision || !isDeepStrictEqual(owned.fleet, before.owned.fleet);
    const resource = this.#modules.objects.owner(key);
    if (followed === before && resource !== undefined) followed.telling.ignoredScale(resource, before.owned, owned);
    followed.owned = owned;
    followed.revision = revision;
    if (isNews) this.#see(key, followed);
    else this.#seeSoon(key, followed);
    const observed = this.#observed(key, followed);
    return followed.telling.found(seen(followed, observed, decide(observed)));
  }

  /** A pod of that namespace has changed, come or gone. @param workload what it is a part of */
  noticed(namespace: string, workload: string): void {
    const suffix = `-${this.#options.infix}`;
    if (!workload.endsWith(suffix)) return;
    const key = keyOf({ namespace, name: workload.slice(0, -suffix.length) });
    const followed = this.#fleets.get(key);
    if (followed !== undefined) this.#seeSoon(key, followed);
  }

  #see(key: string, followed: Followed): void {
    followed.rests = false;
    followed.hasNews = true;
    this.#controller.add(key);
  }

  /** With whatever else changes meanwhile. */
  #seeSoon(key: string, followed: Followed): void {
    followed.rests = false;
    followed.hasNews = true;
    this.#controller.addAfter(key, BUSY_MS);
  }

  #begin(owned: OwnedFleet, revision: string): Followed {
    const { children, clock, scraper } = this.#modules;
    return {
      ...{ owned, revision, written: new OwnWrites(), refused: undefined, rests: false, hasNews: true },
      telling: new FleetTelling(this.#modules),
      samples: new PodSamples(scraper, clock),
      token: new OrderToken(children, clock),
    };
  }

  async #look(key: string, signal: AbortSignal): Promise<{ readonly requeueAfterMs?: number }> {
    const followed = this.#fleets.get(key);
    if (followed === undefined) return {};
    if (!isActedOn(this.#modules.objects.owner(key), followed.owned.owner)) {
      this.#fleets.delete(key);
      return {};
    }
    const token = await this.#tokenOf(key, followed);
    if (token === undefined) return { requeueAfterMs: REFUSED_RETRY_MS };
    signal.throwIfAborted();
    const owner = this.#modules.objects.owner(key);
    if (!isActedOn(owner, followed.owned.owner)) return { requeueAfterMs: 0 };
    const isAsking = this.#ask(key, followed, { token, signal });
    // A leader that has only just begun would tell pods what they do already. What they answer brings it here again.
    if (followed.samples.isWaiting) return { requeueAfterMs: WAITING_MS };
    if (followed.rests) {
      // What they answer does so here too; without an answer the next look decides.
      if (isAsking) followed.rests = false;
      return { requeueAfterMs: this.#untilQuestionMs(followed) };
    }
    if (!followed.written.areSeen()) {
      this.#modules.metrics.waits.inc();
      return { requeueAfterMs: BUSY_MS };
    }
    followed.hasNews = false;
    const observed = this.#observed(key, followed);
    const decisions = decide(observed);
    const [written, ordered] = await Promise.allSettled([
      this.#write(owner, followed, decisions.writes),
      this.#order(followed, decisions.orders, { token, signal }),
    ]);
    // Not earlier: nothing is under way any more when a look has ended.
    if (written.status === 'rejected') throw written.reason;
    if (ordered.status === 'rejected') throw ordered.reason;
    const isWritten = written.value;
    if (isWritten) await this.#removeEmptySets(followed, observed);
    followed.telling.tell(seen(followed, observed, decisions));
    followed.telling.heldBack(owner, decisions);
    followed.rests = decisions.isSettled && followed.samples.areComplete && !followed.hasNews;
    if (followed.rests) return { requeueAfterMs: this.#untilQuestionMs(followed) };
    const waitMs = isWritten && !isBusy(observed, decisions) ? WAITING_MS : BUSY_MS;
    return { requeueAfterMs: waitMs * (1 - JITTER * this.#modules.controller.random()) };
  }

  #untilQuestionMs({ samples }: Followed): number {
    const waitMs = samples.untilNextMs(this.#options.scrapeMs) ?? UNASKED_MS;
    return waitMs * (1 + JITTER * this.#modules.controller.random());
  }

  /** undefined where a Secret of that name is somebody else's, or ours is refused, which the conditions say then. @throws ChildError `not-leader`; KubernetesError */
  async #tokenOf(key: string, followed: Followed): Promise<string | undefined> {
    const before = followed.refused?.message;
    let token: string | undefined;
    try {
      // Whoever begins anew on its node mounts it again.
      const isAwaited = this.#modules.objects.pods(followed.owned).some((pod) => !isReady(pod));
      token = await followed.token.of(followed.owned, isAwaited);
      followed.refused = undefined;
    } catch (error) {
      if (!isChildFault(error)) throw error;
      followed.refused = { type: 'Degraded', status: 'True', reason: faultReason(error), message: messageOf(error) };
    }
    if (followed.refused?.message !== before) this.#modules.onFound(key);
    return token;
  }

  /**
   * Whether it was somebody's turn. Not waited for: pods that say nothing must not take the time of other fleets. What they say is looked at when they
   * have said it.
   */
  #ask(key: string, followed: Followed, signed: Signed): boolean {
    const { owned, samples } = followed;
    const { requests, limits } = owned.fleet.resources;
    const pods = this.#modules.objects.pods(owned).flatMap((pod) => {
      const observed = observedPod(pod, undefined);
      return observed.isPending || !pod.status?.podIP ? [] : [{ pod, isClosely: losesMiners(observed) }];
    });
    const withCpu = (requests?.cpu ?? limits?.cpu) !== undefined;
    const onRefused = () => followed.token.refused();
    const answers = samples.scrape(pods, { ...signed, onRefused, everyMs: this.#options.scrapeMs, withCpu });
    void answers?.then(() => this.#see(key, followed));
    return answers !== undefined;
  }

  #observed(key: string, { owned, revision, samples }: Followed): ObservedFleet {
    const { objects, clock } = this.#modules;
    return {
      ...{ fleet: owned.fleet, revision, nowMs: clock.now() },
      replicaSets: objects.replicaSets(owned).map(observedReplicaSet),
      pods: objects.pods(owned).map((pod) => observedPod(pod, samples.of(pod.metadata.uid ?? ''))),
      ownerAnnotations: objects.owner(key)?.metadata.annotations ?? {},
    };
  }

  /** Resolves with whether all of it was written; what is left is decided anew. @throws ChildError `not-leader`; KubernetesError */
  async #write(owner: CustomResource, followed: Followed, writes: readonly ScalingWrite[]): Promise<boolean> {
    const { objects, log, metrics } = this.#modules;
    const { owned, written, telling } = followed;
    for (const write of writes) {
      try {
        await objects.write(owner, write, written);
      } catch (error) {
        if (!isKubernetesError(error, 'api-conflict') && !isKubernetesError(error, 'api-not-found')) throw error;
        log.debug({ key: keyOf(owner.metadata), reason: messageOf(error) }, 'somebody was faster; deciding anew');
        return false;
      }
      metrics.writes.with({ kind: write.kind }).inc();
      telling.written(owner, owned, write);
    }
    return true;
  }

  async #order({ owned, token: tokens }: Followed, orders: readonly MoveOrder[], signed: Signed): Promise<void> {
    const byUid = new Map(this.#modules.objects.pods(owned).map((pod) => [pod.metadata.uid, pod]));
    const known = await Promise.all(
      orders.map(({ pod, move }) => {
        const live = byUid.get(pod.uid);
        return live === undefined || this.#modules.orders.send(live, move, signed);
      }),
    );
    if (known.includes(false)) tokens.forget();
  }

  /** Those of earlier revisions, whose configuration nobody needs any more then. */
  async #removeEmptySets({ owned, revision }: Followed, { replicaSets, pods }: ObservedFleet): Promise<void> {
    const { objects, children } = this.#modules;
    const isEmpty = (uid: string) => {
      const set = replicaSets.find((each) => each.uid === uid);
      return (
        set !== undefined &&
        set.revision !== revision &&
        set.replicas + set.statusReplicas === 0 &&
        set.observedGeneration >= set.generation &&
        !pods.some((pod) => pod.revision === set.revision)
      );
    };
    for (const set of objects.replicaSets(owned)) {
      if (set.metadata.deletionTimestamp === undefined && isEmpty(set.metadata.uid ?? ''))
        await children.remove(childKind('ReplicaSet'), owned.owner, set);
    }
  }
}

const seen = (
  { owned, samples, refused }: Followed,
  observed: ObservedFleet,
  decisions: ScalingDecisions,
): FleetSeen => ({
  ...{ owned, observed, decisions, refused },
  hasAsked: samples.hasAsked,
});

/** Those who have moved count twice until both pods were asked. */
const losesMiners = (pod: ObservedPod) =>
  pod.isTerminating || stageOf(pod) !== 'accepting' || rebalancingOf(pod) !== undefined;

/** Whether something is under way that one waits for. */
function isBusy({ pods, nowMs }: ObservedFleet, { writes, orders, isRising }: ScalingDecisions): boolean {
  const isComing = (pod: ObservedPod) => !pod.isReady && nowMs - pod.createdAtMs < COMING_UP_MS;
  return writes.length + orders.length > 0 || isRising || pods.some((pod) => losesMiners(pod) || isComing(pod));
}
