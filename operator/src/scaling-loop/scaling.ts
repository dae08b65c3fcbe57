// Everything that is scaled, for one term: the fleets of each kind of resource, and the share validators of pools.
import type { Clock } from '@sluice/runtime/clock';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsOf } from '@sluice/runtime/metrics';
import { customKindOf } from '../api/custom-kinds.ts';
import type { Children } from '../apply/children.ts';
import type { Writer } from '../apply/writer.ts';
import type { ControllerModules } from '../control/controller.ts';
import type { CustomResource } from '../control/reconciler.ts';
import { WORKLOAD } from '../desired/workload.ts';
import type { EventRecorder } from '../events/event-recorder.ts';
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import type { KubernetesObject } from '../kubernetes/resource.ts';
import { FleetScaling } from './fleet-scaling.ts';
import type { scalingMetrics } from './metrics.ts';
import { PodOrders } from './pod-orders.ts';
import type { PodRequests } from './pod-requests.ts';
import type { Pod } from './pods.ts';
import { ScaledObjects } from './scaled-objects.ts';
import { Scraper } from './scraper.ts';
import { ValidatorScaling } from './validator-scaling.ts';

export interface ScalingOptions {
  /** Resources of one kind that are looked at at once. */
  readonly workers: number;
  /** Between two questions to a pod with which nothing happens. */
  readonly scrapeMs: number;
}

export interface ScalingModules {
  readonly writer: Writer;
  readonly children: Children;
  readonly events: EventRecorder;
  readonly requests: PodRequests;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsOf<typeof scalingMetrics>;
  readonly controller: ControllerModules;
  readonly pools: ObjectCache<CustomResource>;
  readonly fleets: ObjectCache<CustomResource>;
  readonly replicaSets: ObjectCache<KubernetesObject>;
  readonly pods: ObjectCache<Pod>;
  /** Told the kind and the key of a resource whose status is to say something else now. */
  readonly onFound: (kind: string, key: string) => void;
}

export class Scaling {
  readonly gateways: FleetScaling;
  readonly proxies: FleetScaling;
  readonly validators: ValidatorScaling;

  constructor({ workers, scrapeMs }: ScalingOptions, modules: ScalingModules) {
    const { writer, pools, fleets, replicaSets, pods, onFound, ...shared } = modules;
    const scraper = new Scraper(shared);
    const orders = new PodOrders({ ...shared, writer });
    const of = (kind: 'MiningPool' | 'ProxyFleet', owners: ObjectCache<CustomResource>) =>
      new ScaledObjects({ resource: customKindOf({ kind }), writer, owners, replicaSets, pods });
    const poolObjects = of('MiningPool', pools);
    this.gateways = new FleetScaling(
      { name: 'gateway-scaling', infix: 'gw', workers, scrapeMs },
      { ...shared, objects: poolObjects, scraper, orders, onFound: (key) => onFound('MiningPool', key) },
    );
    this.proxies = new FleetScaling(
      { name: 'proxy-scaling', infix: 'px', workers, scrapeMs },
      { ...shared, objects: of('ProxyFleet', fleets), scraper, orders, onFound: (key) => onFound('ProxyFleet', key) },
    );
    this.validators = new ValidatorScaling(workers, { ...shared, objects: poolObjects, scraper });
  }

  start(): void {
    for (const each of this.#all) each.start();
  }

  /** A pod has changed, come or gone. */
  noticed({ metadata }: Pod): void {
    const workload = metadata.labels?.[WORKLOAD] ?? '';
    for (const fleets of [this.gateways, this.proxies]) fleets.noticed(metadata.namespace ?? '', workload);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    await Promise.all(this.#all.map((each) => each.stop()));
  }

  get #all() {
    return [this.gateways, this.proxies, this.validators];
  }
}
