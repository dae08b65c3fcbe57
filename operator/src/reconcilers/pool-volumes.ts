// The volumes of a pool's StatefulSets, beside these themselves.
import type { Children } from '../apply/children.ts';
import type { DataVolumes, VolumeMaker } from '../apply/data-volumes.ts';
import type { Manifest, Owner } from '../desired/manifest.ts';
import { keyOf } from '../kubernetes/resource.ts';
import type { ChildCaches, ObjectName } from './own-objects.ts';
import type { LiveWorkload } from './readiness.ts';

/** While pods wait for their volumes, about which there is no news. */
const LOOK_MS = 10_000;

export interface PendingVolumes {
  /** Why pods wait, by the names of their StatefulSets. */
  readonly reasons: ReadonlyMap<string, string>;
  /** When to look again; undefined where nobody waits. */
  readonly requeueAfterMs: number | undefined;
}

/** Resolves with whether StatefulSets are gone, or going, to be made anew with larger volumes. @throws as `DataVolumes` */
export async function growVolumes(
  owner: Owner,
  desired: readonly Manifest[],
  { volumes, caches, children }: { volumes: DataVolumes; caches: ChildCaches; children: Children },
): Promise<boolean> {
  let grows = false;
  for (const manifest of desired) {
    if (manifest.kind !== 'StatefulSet') continue;
    const live = caches.get(manifest.kind)?.get(keyOf(manifest.metadata));
    grows = (await volumes.grow(owner, children, manifest, live)) || grows;
  }
  return grows;
}

/** Those that are ready are not asked about. */
export async function pendingVolumes(
  desired: readonly ObjectName[],
  { volumes, caches }: { volumes: DataVolumes; caches: ChildCaches },
): Promise<PendingVolumes> {
  const reasons = new Map<string, string>();
  let requeueAfterMs: number | undefined;
  for (const { kind, metadata } of desired) {
    const live = caches.get(kind)?.get(keyOf(metadata)) as (LiveWorkload & VolumeMaker) | undefined;
    if (kind !== 'StatefulSet' || live?.spec?.volumeClaimTemplates === undefined) continue;
    if ((live.status?.readyReplicas ?? 0) >= (live.spec.replicas ?? 1)) continue;
    requeueAfterMs = LOOK_MS;
    const reason = await volumes.pending(live);
    if (reason !== undefined) reasons.set(metadata.name, reason);
  }
  return { reasons, requeueAfterMs };
}
