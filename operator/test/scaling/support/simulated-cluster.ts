// A cluster with miners, as small as the scaling can be tried on: objects with resource versions, a controller manager that deletes in the
// order of the real one, pods that come up late, counts that go missing, and leaders that die between two writes. Time is a number.

import { decide, type ScalingWrite } from '../../../src/scaling/decide.ts';
import type { MoveOrder } from '../../../src/scaling/move-orders.ts';
import type { ObservedFleet, ObservedPod, ObservedReplicaSet, Sample } from '../../../src/scaling/observed-fleet.ts';
import { stageOf } from '../../../src/scaling/pod-stage.ts';
import { merged } from './merged.ts';

const TICK_MS = 1_000;
const ACCEPTING = 'mining.sluice.dev/accepting';
/** What the controller manager has not seen yet of deletion costs. */
const COST_LAG_MS = 5_000;
const COST = 'controller.kubernetes.io/pod-deletion-cost';

export interface SimulationOptions {
  fleet: ObservedFleet['fleet'];
  /** In [0, 1). */
  readonly random: () => number;
  /** Between two counts of a pod. */
  readonly scrapeMs: number;
  /** From a pod's making to its being ready, at most. */
  readonly slowestStartMs: number;
  /** Parts of what can go wrong: each time, of all times. */
  chaos: { lostScrape: number; lostOrder: number; staleView: number; leaderDies: number };
}

export interface Miner {
  pod: SimulatedPod | undefined;
  /** Times that it was moved away, other than by its own wish. */
  moves: number;
}

export interface SimulatedPod {
  readonly name: string;
  readonly uid: string;
  readonly revision: string;
  readonly node: string;
  readonly createdAtMs: number;
  readonly startsAtMs: number;
  readyAtMs: number | undefined;
  endsSinceMs: number | undefined;
  /** When its deletion cost was changed last. */
  costSetAtMs: number;
  version: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  readonly miners: Set<Miner>;
  /** What it does with them. */
  order: { readonly id: string; readonly keep: number; readonly movable: Set<Miner> } | undefined;
  /** Has held a miner. */
  wasUsed: boolean;
}

interface SimulatedSet {
  readonly revision: string;
  readonly createdAtMs: number;
  version: number;
  replicas: number;
  generation: number;
  observedGeneration: number;
  statusReplicas: number;
}

export class SimulatedCluster {
  nowMs = 1_000_000;
  readonly options: SimulationOptions;
  readonly pods = new Map<string, SimulatedPod>();
  readonly sets = new Map<string, SimulatedSet>();
  readonly miners: Miner[] = [];
  /** What must never be. */
  readonly wrongs: string[] = [];
  revision = '';
  controllerManagerRuns = true;
  /** Pods of such a revision never become ready. */
  readonly broken = new Set<string>();
  writes = 0;
  desired = 0;
  isStalled = false;
  #ownerAnnotations: Readonly<Record<string, string>> = {};
  #names = 0;
  #endpoints: SimulatedPod[] = [];
  #lacksCapacitySinceMs: number | undefined;
  // Of the leader.
  #samples = new Map<string, Sample>();
  #seenPods = new Map<string, ObservedPod>();
  #seenSets = new Map<string, ObservedReplicaSet>();

  constructor(options: SimulationOptions) {
    this.options = options;
  }

  get living(): SimulatedPod[] {
    return [...this.pods.values()].filter(({ endsSinceMs }) => endsSinceMs === undefined);
  }

  get ready(): SimulatedPod[] {
    return this.living.filter(({ readyAtMs }) => readyAtMs !== undefined);
  }

  get connected(): number {
    return this.miners.filter(({ pod }) => pod !== undefined).length;
  }

  /** Another image: its ReplicaSet is made as the operator makes it, or is there from before. */
  roll(revision: string): void {
    this.revision = revision;
    if (this.sets.has(revision)) return;
    const counts = { version: 1, replicas: 0, generation: 1, observedGeneration: 1, statusReplicas: 0 };
    this.sets.set(revision, { revision, createdAtMs: this.nowMs, ...counts });
  }

  /** As many miners as this, of whom the latest leave by themselves. */
  load(count: number): void {
    while (this.miners.length < count) this.miners.push({ pod: undefined, moves: 0 });
    for (const miner of this.miners.splice(count)) miner.pod?.miners.delete(miner);
  }

  /** As an eviction or a node that is emptied does. */
  evict(pod: SimulatedPod): void {
    pod.endsSinceMs = this.nowMs;
    pod.version += 1;
  }

  tick(): void {
    this.nowMs += TICK_MS;
    this.#kubelets();
    if (this.controllerManagerRuns) this.#controllerManager();
    this.#move();
    this.#connect();
    this.#endpoints = this.ready.filter(({ labels }) => labels[ACCEPTING] === 'true');
    this.#scrape();
    this.#lead();
    this.#check();
  }

  /** What the leader knows now. */
  observed(): ObservedFleet {
    const { fleet } = this.options;
    const pods = [...this.#seenPods.values()].map((pod) => ({ ...pod, sample: this.#samples.get(pod.uid) }));
    const replicaSets = [...this.#seenSets.values()];
    return {
      fleet,
      revision: this.revision,
      replicaSets,
      pods,
      ownerAnnotations: this.#ownerAnnotations,
      nowMs: this.nowMs,
    };
  }

  newLeader(): void {
    this.#samples = new Map();
    this.#watch(0);
  }

  #kubelets(): void {
    for (const pod of this.pods.values()) {
      if (pod.endsSinceMs !== undefined) {
        if (pod.miners.size === 0) this.pods.delete(pod.uid);
      } else if (pod.readyAtMs === undefined && this.nowMs >= pod.startsAtMs && !this.broken.has(pod.revision)) {
        pod.readyAtMs = this.nowMs;
        pod.version += 1;
      }
    }
  }

  #controllerManager(): void {
    for (const set of this.sets.values()) {
      const own = this.living.filter(({ revision }) => revision === set.revision);
      for (let count = own.length; count < set.replicas; count++) this.#create(set.revision);
      const doomed = own
        .toSorted(inOrderOfDeletion(this.nowMs - COST_LAG_MS))
        .slice(0, Math.max(0, own.length - set.replicas));
      for (const pod of doomed) {
        const deadline = Date.parse(pod.annotations['mining.sluice.dev/drain-deadline'] ?? '');
        const isDone = stageOf(pod) === 'removable' && (pod.miners.size === 0 || this.nowMs >= deadline);
        if (!isDone && pod.wasUsed) this.wrongs.push(`${pod.name} was deleted with ${pod.miners.size} connections`);
        this.evict(pod);
      }
      const statusReplicas = this.living.filter(({ revision }) => revision === set.revision).length;
      if (set.statusReplicas === statusReplicas && set.observedGeneration === set.generation) continue;
      Object.assign(set, { statusReplicas, observedGeneration: set.generation, version: set.version + 1 });
    }
  }

  #create(revision: string): void {
    this.#names += 1;
    const name = `${revision}-${this.#names}`;
    const startsAtMs = this.nowMs + 1 + this.options.random() * this.options.slowestStartMs;
    this.pods.set(name, {
      ...{ name, uid: name, revision, node: `node-${this.#names % 5}`, createdAtMs: this.nowMs, startsAtMs },
      ...{
        readyAtMs: undefined,
        endsSinceMs: undefined,
        costSetAtMs: 0,
        version: 1,
        labels: { [ACCEPTING]: 'true' },
        annotations: {},
      },
      ...{ miners: new Set<Miner>(), order: undefined, wasUsed: false },
    });
  }

  /** What a pod does that was told to move connections away, or that ends. */
  #move(): void {
    const batch = (this.options.fleet.drain.disconnectsPerSecond * TICK_MS) / 1_000;
    for (const pod of this.pods.values()) {
      const { movable, keep } =
        pod.endsSinceMs === undefined
          ? (pod.order ?? { movable: new Set<Miner>(), keep: 0 })
          : { movable: pod.miners, keep: 0 };
      const going = [...movable].filter((miner) => miner.pod === pod).slice(0, Math.min(batch, pod.miners.size - keep));
      for (const miner of going) {
        pod.miners.delete(miner);
        movable.delete(miner);
        miner.pod = undefined;
        miner.moves += 1;
      }
    }
  }

  #connect(): void {
    const open = this.#endpoints.filter((pod) => pod.order?.keep !== 0 && pod.endsSinceMs === undefined);
    const most = this.options.fleet.listeners.reduce((sum, { maxConnectionsPerPod }) => sum + maxConnectionsPerPod, 0);
    for (const miner of this.miners) {
      if (miner.pod !== undefined || open.length === 0) continue;
      const pod = open[Math.floor(this.options.random() * open.length)] as SimulatedPod;
      if (pod.miners.size >= most) continue;
      pod.miners.add(miner);
      pod.wasUsed = true;
      miner.pod = pod;
    }
  }

  #scrape(): void {
    if (this.nowMs % this.options.scrapeMs !== 0) return;
    for (const pod of this.pods.values()) {
      if (this.nowMs < pod.startsAtMs || this.#happens('lostScrape')) continue;
      const sample = { atMs: this.nowMs, connections: pod.miners.size, cpuCores: undefined, order: pod.order?.id };
      this.#samples.set(pod.uid, sample);
    }
  }

  #lead(): void {
    this.#watch(this.options.chaos.staleView);
    const { writes, orders, desired, isStalled } = decide(this.observed());
    this.desired = desired;
    this.isStalled = isStalled;
    for (const write of writes) {
      if (this.#happens('leaderDies')) {
        this.newLeader();
        return;
      }
      if (!this.#write(write)) break;
    }
    for (const order of orders) if (!this.#happens('lostOrder')) this.#obey(order);
  }

  #write(write: ScalingWrite): boolean {
    this.writes += 1;
    if (write.kind === 'state') {
      this.#ownerAnnotations = { ...this.#ownerAnnotations, ...write.annotations };
      return true;
    }
    if (write.kind === 'replicas') {
      const set = [...this.sets.values()].find(({ revision }) => revision === write.replicaSet.revision);
      if (set === undefined || String(set.version) !== write.replicaSet.resourceVersion) return false;
      Object.assign(set, { replicas: write.replicas, generation: set.generation + 1, version: set.version + 1 });
      this.#seenSets.set(set.revision, observedSet(set));
      return true;
    }
    const pod = this.pods.get(write.pod.uid);
    if (pod === undefined || String(pod.version) !== write.pod.resourceVersion) return false;
    if (merged(pod.annotations, write.patch.annotations)[COST] !== pod.annotations[COST]) pod.costSetAtMs = this.nowMs;
    pod.labels = merged(pod.labels, write.patch.labels);
    pod.annotations = merged(pod.annotations, write.patch.annotations);
    pod.version += 1;
    this.#seenPods.set(pod.uid, this.#observedPod(pod));
    return true;
  }

  #obey({ pod: { uid }, move }: MoveOrder): void {
    const pod = this.pods.get(uid);
    if (pod === undefined || pod.order?.id === move?.order) return;
    pod.order = move && {
      id: move.order,
      keep: move.keep,
      movable: move.keep === 0 ? pod.miners : new Set(pod.miners),
    };
  }

  /** Brings what the leader sees up to date, but for a part. */
  #watch(stale: number): void {
    const isLate = () => stale > 0 && this.options.random() < stale;
    for (const uid of this.#seenPods.keys()) if (!this.pods.has(uid) && !isLate()) this.#seenPods.delete(uid);
    for (const pod of this.pods.values()) if (!isLate()) this.#seenPods.set(pod.uid, this.#observedPod(pod));
    for (const set of this.sets.values())
      if (!this.#seenSets.has(set.revision) || !isLate()) this.#seenSets.set(set.revision, observedSet(set));
  }

  #observedPod(pod: SimulatedPod): ObservedPod {
    const { name, uid, revision, node, createdAtMs, labels, annotations } = pod;
    return {
      ...{ name, uid, revision, node, createdAtMs, labels, annotations },
      resourceVersion: String(pod.version),
      isPending: pod.readyAtMs === undefined && this.nowMs < pod.startsAtMs,
      isReady: pod.readyAtMs !== undefined,
      readyChangedAtMs: pod.readyAtMs ?? pod.createdAtMs,
      isTerminating: pod.endsSinceMs !== undefined,
      sample: undefined,
    };
  }

  #check(): void {
    const { fleet } = this.options;
    const most = fleet.autoscaling.maxReplicas + fleet.rollout.maxSurge;
    if (this.living.length > most) this.wrongs.push(`${this.living.length} pods, and ${most} are allowed`);
    this.#checkCapacity();
  }

  /** While connections are more than accepting pods hold, no pod stays closed for longer than it takes to see that. */
  #checkCapacity(): void {
    const { fleet, scrapeMs, chaos } = this.options;
    const most = fleet.listeners.reduce((sum, { maxConnectionsPerPod }) => sum + maxConnectionsPerPod, 0);
    const isOpen = ({ labels }: SimulatedPod) => labels[ACCEPTING] === 'true';
    const isClosed = (pod: SimulatedPod) => !isOpen(pod) && stageOf(pod) !== 'removable';
    const open = this.ready.filter(isOpen).length;
    const lacks = open < this.desired && open * most < this.connected && this.ready.some(isClosed);
    this.#lacksCapacitySinceMs = lacks ? (this.#lacksCapacitySinceMs ?? this.nowMs) : undefined;
    const seenAfterMs =
      scrapeMs + 3 * TICK_MS + (chaos.lostScrape + chaos.staleView + chaos.leaderDies > 0 ? 20_000 : 0);
    if (lacks && this.nowMs - (this.#lacksCapacitySinceMs ?? 0) > seenAfterMs)
      this.wrongs.push(`pods are closed while ${this.connected} connections have no room`);
  }

  #happens(what: keyof SimulationOptions['chaos']): boolean {
    const part = this.options.chaos[what];
    return part > 0 && this.options.random() < part;
  }
}

function observedSet({ revision, version, ...counts }: SimulatedSet): ObservedReplicaSet {
  return { name: revision, uid: revision, revision, resourceVersion: String(version), ...counts };
}

/** That of the controller manager: not ready, then the cost, then who became ready last. */
function inOrderOfDeletion(costSeenUntilMs: number): (one: SimulatedPod, other: SimulatedPod) => number {
  const key = ({ readyAtMs, annotations, costSetAtMs, createdAtMs }: SimulatedPod) => [
    readyAtMs === undefined ? 0 : 1,
    costSetAtMs > costSeenUntilMs ? 0 : Number(annotations[COST] ?? 0),
    -(readyAtMs ?? 0),
    -createdAtMs,
  ];
  return (one, other) => {
    const [left, right] = [key(one), key(other)];
    const at = left.findIndex((value, index) => value !== right[index]);
    return at < 0 ? 0 : (left[at] as number) - (right[at] as number);
  };
}
