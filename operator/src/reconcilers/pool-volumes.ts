// The volumes of a pool's StatefulSets, beside these themselves.
import type { DataVolumes, VolumeMaker } from '../apply/data-volumes.ts';
import { collect } from '../control/child-faults.ts';
import type { Manifest, Owner } from '../desired/manifest.ts';
import { keyOf } from '../kubernetes/resource.ts';
import type { ChildCaches, Making, ObjectName } from './own-objects.ts';
import type { LiveWorkload } from './readiness.ts';

/** While pods wait for their volumes, about which there is no news. */
const LOOK_MS = 10_000;

export interface PendingVolumes {
  /** Why pods wait, by the names of their StatefulSets. */
  readonly reasons: ReadonlyMap<string, string>;
  /** When to look again; undefined where nobody waits. */
  readonly requeueAfterMs: number | undefined;
}

export interface GrowingVolumes {
  /** Whether StatefulSets are gone, or going, to be made anew with larger volumes. */
  readonly grow: boolean;
  /** Names of StatefulSets whose volumes cannot become what they should: these stay as they are. */
  readonly stuck: ReadonlySet<string>;
}

/** @param refused takes what is the matter with volumes that cannot grow @throws as `DataVolumes`, all else */
export async function growVolumes(
  owner: Owner,
  desired: readonly Manifest[],
  { volumes, caches }: { volumes: DataVolumes; caches: ChildCaches },
  { children, refused }: Pick<Making, 'children' | 'refused'>,
): Promise<GrowingVolumes> {
  let grow = false;
  const stuck = new Set<string>();
  for (const manifest of desired) {
    if (manifest.kind !== 'StatefulSet') continue;
    const live = caches.get(manifest.kind)?.get(keyOf(manifest.metadata));
    const grows = await volumes.grow(owner, children, manifest, live).catch(collect(refused));
    if (grows === undefined) stuck.add(manifest.metadata.name);
    grow ||= grows === true;
  }
  return { grow, stuck };
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
