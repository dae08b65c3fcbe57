// The life of a custom resource, whatever its kind: finalizer, pause, what its reconciler makes of it, status, and the end.
import type { Clock } from '@sluice/runtime/clock';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { Children } from '../apply/children.ts';
import type { Writer } from '../apply/writer.ts';
import type { EventRecorder } from '../events/event-recorder.ts';
import { ignoreNotFound, isKubernetesError } from '../kubernetes/errors.ts';
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import { objectPath, type Resource } from '../kubernetes/resource.ts';
import { type Condition, type Finding, transitions, withFindings } from '../status/conditions.ts';
import type { StatusWriter } from '../status/status-writer.ts';
import { degraded, faultReason, isChildFault, REFUSED_RETRY_MS } from './child-faults.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizer.ts';
import type { CustomResource, Outcome, Reconciler } from './reconciler.ts';

/** With the value `true` the operator leaves everything of the resource as it is, until the resource is deleted. */
export const PAUSE = 'mining.sluice.dev/pause-reconciliation';

/** After this a resource goes, whatever is left to be done: one that cannot be deleted is worse. */
const FINALIZE_DEADLINE_MS = 10 * 60_000;

const namespaces: Resource = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };

export interface LifecycleModules {
  readonly resource: Resource;
  readonly cache: ObjectCache<CustomResource>;
  readonly reconciler: Reconciler;
  readonly children: Children;
  readonly writer: Writer;
  readonly statusWriter: StatusWriter;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Lifecycle {
  readonly #modules: LifecycleModules;

  constructor(modules: LifecycleModules) {
    this.#modules = modules;
  }

  /** @param key of the resource; one that is gone needs nothing */
  async reconcile(key: string, signal: AbortSignal): Promise<{ readonly requeueAfterMs?: number }> {
    const object = this.#modules.cache.get(key);
    if (object === undefined) return {};
    if (object.metadata.deletionTimestamp !== undefined) return this.#end(object, signal);
    if (object.metadata.annotations?.[PAUSE] === 'true') {
      // What stands in the status is of the generation before the pause: whoever waits for the next one is not to take it for done.
      return this.#show(object, { findings: [paused] }, object.status?.observedGeneration);
    }
    const { writer, resource } = this.#modules;
    if (!hasFinalizer(object)) await addFinalizer(writer, resource, object);
    const outcome = await this.#outcomeOf(object, signal);
    const found = { ...outcome, findings: [...outcome.findings, notPaused] };
    return this.#show(object, found, object.metadata.generation);
  }

  async #outcomeOf(object: CustomResource, signal: AbortSignal): Promise<Outcome> {
    const { reconciler, children } = this.#modules;
    try {
      const outcome = await reconciler.reconcile(object, children, signal);
      const isDegraded = outcome.findings.some(({ type }) => type === 'Degraded');
      return isDegraded ? outcome : { ...outcome, findings: [...outcome.findings, notDegraded] };
    } catch (error) {
      if (!isChildFault(error)) throw error;
      const why = { reason: faultReason(error), message: messageOf(error) };
      return {
        findings: [{ type: 'Ready', status: 'False', ...why }, ...degraded([error])],
        requeueAfterMs: REFUSED_RETRY_MS,
      };
    }
  }

  async #show(
    object: CustomResource,
    { findings, status, requeueAfterMs }: Outcome,
    observedGeneration: number | undefined,
  ): Promise<{ readonly requeueAfterMs?: number }> {
    const { resource, clock, statusWriter } = this.#modules;
    const { generation } = object.metadata;
    const previous = object.status?.conditions;
    const now = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    const conditions = withFindings(previous, findings, { generation, now });
    // Whoever pauses wants to see what was found before.
    const before = status === undefined ? object.status : status;
    const leftMs = await statusWriter.write(resource, object, {
      ...before,
      ...(observedGeneration === undefined ? {} : { observedGeneration }),
      conditions,
    });
    if (leftMs === undefined) this.#tell(object, transitions(previous, conditions));
    const waits = [requeueAfterMs, leftMs].filter((ms) => ms !== undefined);
    return waits.length === 0 ? {} : { requeueAfterMs: Math.min(...waits) };
  }

  #tell(object: CustomResource, changed: readonly Condition[]): void {
    for (const { type, status, reason, message } of changed) {
      const isBad = type === 'Degraded' ? status === 'True' : wanted.has(type) && status === 'False';
      const note = message === '' ? `${type} is ${status}` : message;
      this.#modules.events.record(object, {
        type: isBad ? 'Warning' : 'Normal',
        reason,
        action: `${type}${status}`,
        note,
      });
    }
  }

  async #end(object: CustomResource, signal: AbortSignal): Promise<{ readonly requeueAfterMs?: number }> {
    const { writer, resource, reconciler, children, events, clock, log } = this.#modules;
    const { deletionTimestamp = '', uid, namespace, name } = object.metadata;
    if (!hasFinalizer(object)) {
      this.#forget(uid);
      return {};
    }
    const leftMs = Date.parse(deletionTimestamp) + FINALIZE_DEADLINE_MS - clock.now();
    if (leftMs > 0 && !(await this.#isNamespaceGoing(namespace))) {
      const requeueAfterMs = await reconciler.finalize?.(object, children, signal);
      if (requeueAfterMs !== undefined) return { requeueAfterMs: Math.min(requeueAfterMs, leftMs) };
    } else if (leftMs <= 0) {
      const note = `not everything was done within ${FINALIZE_DEADLINE_MS / 60_000} minutes; the resource is let go`;
      events.record(object, { type: 'Warning', reason: 'FinalizerDeadline', action: 'LetGo', note });
    }
    await removeFinalizer(writer, resource, object).catch(ignoreNotFound);
    this.#forget(uid);
    log.info({ kind: resource.kind, namespace, name }, 'let go');
    return {};
  }

  #forget(uid: string): void {
    const { reconciler, statusWriter } = this.#modules;
    reconciler.forget?.(uid);
    statusWriter.forget(uid);
  }

  /** Nothing can be made there any more: a namespace must not wait for us. Who may not know goes on as if it stayed, and does what the resource says. */
  async #isNamespaceGoing(name: string): Promise<boolean> {
    try {
      const { status } = await this.#modules.writer.read<{ status?: { phase?: string } }>(
        objectPath(namespaces, { name }),
      );
      return status?.phase === 'Terminating';
    } catch (error) {
      if (isKubernetesError(error, 'api-not-found')) return true;
      if (isKubernetesError(error, 'api-forbidden')) return false;
      throw error;
    }
  }
}

/** Conditions whose end somebody should know of. */
const wanted: ReadonlySet<string> = new Set(['Ready', 'KeysValid', 'UpstreamAvailable']);

const paused: Finding = {
  ...{ type: 'ReconciliationPaused', status: 'True', reason: 'Annotated' },
  message: `The annotation ${PAUSE} is set.`,
};
const notPaused: Finding = { type: 'ReconciliationPaused', status: 'False', reason: 'NotAnnotated', message: '' };
const notDegraded: Finding = { type: 'Degraded', status: 'False', reason: 'AsExpected', message: '' };
