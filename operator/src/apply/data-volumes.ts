// The volumes of StatefulSets: nobody owns them, so that what is on them outlives everything that is deleted by mistake.
import type { Clock } from '@sluice/runtime/clock';
import type { Manifest, Owner } from '../desired/manifest.ts';
import { bytesOf } from '../desired/quantity.ts';
import { ignoreNotFound, isKubernetesError } from '../kubernetes/errors.ts';
import { type KubernetesObject, objectPath } from '../kubernetes/resource.ts';
import { childKind, volumeClaims } from './child-kinds.ts';
import { type Children, refuseForeign } from './children.ts';
import { ChildError } from './errors.ts';
import type { Writer } from './writer.ts';

/** Longer than a volume takes whose class makes it at once. */
const PENDING_MS = 20_000;

interface Claim extends KubernetesObject {
  readonly spec: {
    readonly storageClassName?: string;
    readonly resources: { readonly requests: { readonly storage: string } };
  };
  readonly status?: { readonly phase?: string };
  readonly metadata: KubernetesObject['metadata'] & { readonly creationTimestamp?: string };
}

/** A StatefulSet, as far as its volumes go. */
export interface VolumeMaker {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly volumeClaimTemplates?: readonly Pick<Claim, 'metadata' | 'spec'>[];
  };
}

export class DataVolumes {
  readonly #writer: Writer;
  readonly #clock: Clock;

  constructor(modules: { readonly writer: Writer; readonly clock: Clock }) {
    this.#writer = modules.writer;
    this.#clock = modules.clock;
  }

  /** Why pods of the StatefulSet wait for their volumes; undefined where none does for long. */
  async pending(maker: VolumeMaker): Promise<string | undefined> {
    for (const claim of await this.#claims(maker)) {
      const { metadata, spec, status } = claim;
      if (status?.phase !== 'Pending') continue;
      if (spec.storageClassName === undefined)
        return `${metadata.name} has no StorageClass: the cluster has no default one, and the resource names none`;
      const ageMs = this.#clock.now() - Date.parse(metadata.creationTimestamp ?? '');
      if (ageMs >= PENDING_MS) return `${metadata.name} waits for a volume of StorageClass ${spec.storageClassName}`;
    }
    return undefined;
  }

  /**
   * Where the volumes are to be larger: grows those that there are, and removes the StatefulSet without its pods, since its templates cannot be
   * changed. Resolves with whether it is to be made anew, once it is gone.
   * @throws ChildError `invalid-child` where a volume cannot grow, `name-conflict`
   */
  async grow(
    owner: Owner,
    children: Children,
    desired: Manifest,
    live: KubernetesObject | undefined,
  ): Promise<boolean> {
    const wanted = storageOf(desired as VolumeMaker);
    const before = storageOf(live as VolumeMaker | undefined);
    if (wanted === undefined || before === undefined || live === undefined) return false;
    refuseForeign(owner, live);
    if (live.metadata.deletionTimestamp !== undefined) return true;
    if (bytesOf(wanted) <= bytesOf(before)) return false;
    for (const claim of await this.#claims(live as VolumeMaker)) {
      if (bytesOf(claim.spec.resources.requests.storage) >= bytesOf(wanted)) continue;
      await this.#resize(claim, wanted);
    }
    await children.remove(childKind('StatefulSet'), owner, live, 'Orphan');
    return true;
  }

  /** Removes the volumes; each goes when the pod that uses it has gone. */
  async remove(maker: VolumeMaker): Promise<void> {
    for (const claim of await this.#claims(maker)) await this.#writer.remove(volumeClaims, claim);
  }

  async #resize(claim: Claim, storage: string): Promise<void> {
    try {
      await this.#writer.write({
        method: 'PATCH',
        path: objectPath(volumeClaims, claim.metadata),
        contentType: 'application/merge-patch+json',
        body: { spec: { resources: { requests: { storage } } } },
      });
    } catch (error) {
      // 403: its class does not allow it.
      if (!isKubernetesError(error, 'api-forbidden') && !isKubernetesError(error, 'api-invalid')) throw error;
      throw new ChildError('invalid-child', `PersistentVolumeClaim ${claim.metadata.name}: ${error.message}`, error);
    }
  }

  /** Those that there are, and that were made for this StatefulSet. */
  async #claims({ metadata, spec = {} }: VolumeMaker): Promise<readonly Claim[]> {
    const [template] = spec.volumeClaimTemplates ?? [];
    if (template === undefined) return [];
    const labels = Object.entries(spec.selector?.matchLabels ?? {});
    const claims: Claim[] = [];
    for (let index = 0; index < (spec.replicas ?? 1); index += 1) {
      const name = `${template.metadata.name}-${metadata.name}-${index}`;
      const path = objectPath(volumeClaims, { ...metadata, name });
      const claim = await this.#writer.read<Claim>(path).catch(ignoreNotFound);
      const isOurs = labels.every(([label, value]) => claim?.metadata.labels?.[label] === value);
      if (claim !== undefined && isOurs) claims.push(claim);
    }
    return claims;
  }
}

const storageOf = (maker: VolumeMaker | undefined): string | undefined =>
  maker?.spec?.volumeClaimTemplates?.[0]?.spec.resources.requests.storage;
