// What is told of one fleet: in the status and the conditions of its resource, by Events and in the log.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@sluice/runtime/logger';
import type { FleetStatus } from '../api/v1alpha1.ts';
import type { CustomResource } from '../control/reconciler.ts';
import type { OwnedFleet } from '../desired/fleet.ts';
import { workloadName } from '../desired/workload.ts';
import type { EventRecorder } from '../events/event-recorder.ts';
import { keyOf } from '../kubernetes/resource.ts';
import type { ScalingDecisions, ScalingWrite } from '../scaling/decide.ts';
import { parseState, SCALING_STATE } from '../scaling/scaling-state.ts';
import type { Finding } from '../status/conditions.ts';
import { type FleetFound, type FleetLook, fleetFound } from './fleet-found.ts';
import type { ScaledObjects } from './scaled-objects.ts';

export interface FleetTellingModules {
  readonly objects: Pick<ScaledObjects, 'owner' | 'replicaSets'>;
  readonly events: EventRecorder;
  readonly log: Logger;
  /** Told the key of a resource whose status is to say something else now. */
  readonly onFound: (key: string) => void;
}

/** What is known of it at present. */
export interface FleetSeen extends Pick<FleetLook, 'owned' | 'observed' | 'decisions' | 'hasAsked'> {
  /** Why it cannot be looked at. */
  readonly refused: Finding | undefined;
}

export class FleetTelling {
  readonly #modules: FleetTellingModules;
  /** The last that was. */
  #told: FleetFound | undefined;
  #toldHeldBack = '';

  constructor(modules: FleetTellingModules) {
    this.#modules = modules;
  }

  /** For the status of the resource. */
  found({ refused, ...seen }: FleetSeen): FleetFound {
    const { objects } = this.#modules;
    const { owned } = seen;
    const found = fleetFound({ ...seen, replicaSets: objects.replicaSets(owned), previous: this.#statusOf(owned) });
    return refused === undefined ? found : { ...found, findings: [...found.findings, refused] };
  }

  /** Has the status written where it is to say something else than it does, and than was told last. */
  tell(seen: FleetSeen): void {
    const found = this.found(seen);
    const told = this.#told;
    const isNews =
      !isDeepStrictEqual(found.findings, told?.findings) ||
      !(isDeepStrictEqual(found.status, told?.status) || isDeepStrictEqual(found.status, this.#statusOf(seen.owned)));
    this.#told = found;
    if (isNews) this.#modules.onFound(keyOf(seen.owned.owner.metadata));
  }

  /** Pods that were asked to go and stay. */
  heldBack(owner: CustomResource, { heldBack, isStalled }: ScalingDecisions): void {
    const names = heldBack.map(({ name }) => name).sort();
    const why = isStalled ? 'no pod of the newest revision comes up' : 'rollout.partition keeps pods of its revision';
    const note = names.length === 0 ? '' : `asked to go, but ${why}: ${names.join(', ')}`;
    if (note !== '' && note !== this.#toldHeldBack)
      this.#modules.events.record(owner, { type: 'Warning', reason: 'DrainHeldBack', action: 'Drain', note });
    this.#toldHeldBack = note;
  }

  /** Somebody has said how many pods there are to be, where load decides it. */
  ignoredScale(owner: CustomResource, before: OwnedFleet, { fleet }: OwnedFleet): void {
    if (!fleet.autoscaling.enabled || fleet.replicas === before.fleet.replicas) return;
    const note = `replicas is ${fleet.replicas} now, which is not looked at while autoscaling is on`;
    this.#modules.events.record(owner, { type: 'Warning', reason: 'ManualScaleIgnored', action: 'Scale', note });
  }

  /** @param owner as it was before */
  written(owner: CustomResource, owned: OwnedFleet, write: ScalingWrite): void {
    const { log, events } = this.#modules;
    const fleet = workloadName(owned);
    const { namespace } = owner.metadata;
    if (write.kind === 'replicas') {
      const { name, replicas: before } = write.replicaSet;
      const { replicas } = write;
      log.info({ namespace, replicaSet: name, before, replicas }, 'a ReplicaSet has another number of pods');
    }
    if (write.kind !== 'state') return;
    const [before, now] = [owner.metadata.annotations?.[SCALING_STATE], write.annotations[SCALING_STATE]].map(
      (text) => parseState(text)?.desired,
    );
    if (before === now || now === undefined) return;
    log.info({ namespace, fleet, before, desired: now }, 'a fleet is to have another number of pods');
    const note = `${fleet} is to have ${now} pods${before === undefined ? '' : `, not ${before}`}`;
    events.record(owner, { type: 'Normal', reason: 'Scaled', action: 'Scale', note });
  }

  #statusOf({ owner, infix }: OwnedFleet): FleetStatus | undefined {
    const status = this.#modules.objects.owner(keyOf(owner.metadata))?.status ?? {};
    const { gateways, proxies } = status as { gateways?: FleetStatus; proxies?: FleetStatus };
    return infix === 'gw' ? gateways : proxies;
  }
}
