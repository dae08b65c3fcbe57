// The keys of a fleet as its reconciler needs them: what gateways and proxies prove to miners who they are with.
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import type { Clock } from '@sluice/runtime/clock';
import type { MetricsOf } from '@sluice/runtime/metrics';
import { customKindOf } from '../api/custom-kinds.ts';
import type { Noise } from '../api/v1alpha1.ts';
import type { Children } from '../apply/children.ts';
import type { Writer } from '../apply/writer.ts';
import { contentHash } from '../desired/content-hash.ts';
import { secondsOf } from '../desired/duration.ts';
import type { Workload } from '../desired/workload.ts';
import type { EventRecorder } from '../events/event-recorder.ts';
import { isKubernetesError, KubernetesError } from '../kubernetes/errors.ts';
import { objectPath } from '../kubernetes/resource.ts';
import type { Finding } from '../status/conditions.ts';
import { AuthorityKeys } from './authority-keys.ts';
import { FleetCertificate } from './fleet-certificate.ts';
import { annotationOf, isRotation, type KeyOwner, keyAnnotations, ROTATE_KEYS, rotations } from './key-owner.ts';
import type { FoundKeys, KnownKeys } from './known-keys.ts';
import type { keyMetrics } from './metrics.ts';

/** A Secret that somebody has deleted is missed after this. */
const LOOK_AGAIN_MS = 3 * 60_000;
/** What a person has to bring is looked for more often. */
const FAULT_RETRY_MS = 30_000;

export interface FleetKeysModules {
  readonly writer: Writer;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly ec: EcBackend;
  readonly random: RandomBytes;
  /** The operator's own, where authority keys are. */
  readonly namespace: string;
  readonly known: KnownKeys;
  readonly metrics: MetricsOf<typeof keyMetrics>;
}

export interface KeysOutcome {
  /** In base58check, for the configuration of pods and the status; undefined while there has never been a key, and nothing can be made of a fleet. */
  readonly authorityPublicKey: string | undefined;
  /** KeysValid. */
  readonly finding: Finding;
  /** When to look again though nothing changes. */
  readonly requeueAfterMs: number;
}

export class FleetKeys {
  readonly #modules: FleetKeysModules;
  readonly #authorities: AuthorityKeys;
  readonly #certificates: FleetCertificate;

  constructor(modules: FleetKeysModules) {
    this.#modules = modules;
    this.#authorities = new AuthorityKeys(modules);
    this.#certificates = new FleetCertificate({ ...modules, onIssued: () => modules.metrics.issued.inc() });
  }

  /**
   * Makes, finds and renews the authority key of the resource, and the Secret `NAME-gw-noise` or `NAME-px-noise`; reads no Secret again where
   * nothing has changed for it within minutes. To be called before what mounts the Secret is made.
   * @param workload the fleet @throws ChildError `name-conflict`, `not-leader`; KubernetesError, as `api-conflict` when somebody was faster
   */
  async settle(owner: KeyOwner, workload: Workload, noise: Noise, children: Children): Promise<KeysOutcome> {
    const { known, clock } = this.#modules;
    const { uid } = owner.metadata;
    const fingerprint = contentHash([noise, keyAnnotations.map((name) => annotationOf(owner, name))]);
    const before = known.get(uid, fingerprint, clock.monotonic());
    if (before !== undefined) return outcome(before.found, noise, { leftMs: before.leftMs, nowMs: clock.now() });
    const found = await this.#find(owner, workload, noise, children);
    const leftMs = this.#leftMs(found, noise);
    known.set(uid, { found, fingerprint, againAt: clock.monotonic() + leftMs });
    return outcome(found, noise, { leftMs, nowMs: clock.now() });
  }

  /** The resource has no listener any more that needs keys: nobody is to be told that a certificate expires which nobody is shown. */
  forget({ metadata }: KeyOwner): void {
    this.#modules.known.forget(metadata.uid);
  }

  /** The resource goes: its authority key does where it says so. */
  async finalize(owner: KeyOwner, noise: Noise): Promise<void> {
    if (noise.keyDeletionPolicy === 'Delete') await this.#authorities.remove(owner);
  }

  async #find(owner: KeyOwner, workload: Workload, noise: Noise, children: Children): Promise<FoundKeys> {
    const order = annotationOf(owner, ROTATE_KEYS);
    if (order !== undefined && !isRotation(order)) await this.#refuseOrder(owner, order);
    const authority = await this.#authorities.settle(owner, noise);
    const forced = order === 'certificate';
    try {
      const notValidAfter = await this.#certificates.settle(workload, noise, { authority, children, forced });
      if (forced && authority.key !== undefined) await this.#endOrder(owner);
      return { authorityPublicKey: authority.publicKey, notValidAfter, fault: authority.fault };
    } finally {
      authority.key?.secret.fill(0);
    }
  }

  #leftMs({ fault, notValidAfter = 0 }: FoundKeys, { certificate }: Noise): number {
    if (fault !== undefined) return FAULT_RETRY_MS;
    const renewalMs = (notValidAfter - secondsOf(certificate.renewBefore)) * 1_000 - this.#modules.clock.now();
    return Math.max(0, Math.min(LOOK_AGAIN_MS, renewalMs));
  }

  async #refuseOrder(owner: KeyOwner, order: string): Promise<void> {
    const note = `${ROTATE_KEYS}: ${order} is none of ${rotations.join(', ')}`;
    this.#modules.events.record(owner, { type: 'Warning', reason: 'UnknownRotation', action: 'RotateKeys', note });
    await this.#endOrder(owner);
  }

  async #endOrder(owner: KeyOwner): Promise<void> {
    const { kind, metadata } = owner;
    const body = [
      { op: 'test', path: '/metadata/uid', value: metadata.uid },
      // One that was given meanwhile is not taken off.
      { op: 'test', path: ORDER_POINTER, value: annotationOf(owner, ROTATE_KEYS) },
      { op: 'remove', path: ORDER_POINTER },
    ];
    const path = objectPath(customKindOf(owner), metadata);
    const contentType = 'application/json-patch+json';
    await this.#modules.writer.write({ method: 'PATCH', path, contentType, body }).catch((error: unknown) => {
      if (!isKubernetesError(error, 'api-invalid')) throw error;
      throw new KubernetesError('api-conflict', `${kind} ${metadata.name} was changed meanwhile`, { cause: error });
    });
  }
}

const ORDER_POINTER = `/metadata/annotations/${ROTATE_KEYS.replace('/', '~1')}`;

function outcome(
  { authorityPublicKey, notValidAfter, fault }: FoundKeys,
  { certificate }: Noise,
  { leftMs, nowMs }: { readonly leftMs: number; readonly nowMs: number },
): KeysOutcome {
  const expiry = notValidAfter === undefined ? undefined : `The certificate is valid until ${dateOf(notValidAfter)}.`;
  const keys = { authorityPublicKey, requeueAfterMs: leftMs };
  if (fault === undefined) {
    const finding: Finding = { type: 'KeysValid', status: 'True', reason: 'KeysIssued', message: expiry ?? '' };
    return { ...keys, finding };
  }
  const isExpiring = notValidAfter !== undefined && notValidAfter - secondsOf(certificate.renewBefore) <= nowMs / 1_000;
  const reason = isExpiring ? 'CertificateExpiring' : fault.reason;
  const message = [fault.message, expiry ?? 'There is no certificate.'].join(' ');
  return { ...keys, finding: { type: 'KeysValid', status: 'False', reason, message } };
}

const dateOf = (seconds: number) => new Date(seconds * 1_000).toISOString();
