import { PAUSE } from '../control/lifecycle.ts';
import type { CustomResource } from '../control/reconciler.ts';
import type { Owner } from '../desired/manifest.ts';

/** Whether the resource of that name is still the one that was meant, and may be touched. */
export function isActedOn(found: CustomResource | undefined, meant: Owner): found is CustomResource {
  if (found === undefined || found.metadata.uid !== meant.metadata.uid) return false;
  const { deletionTimestamp, annotations } = found.metadata;
  return deletionTimestamp === undefined && annotations?.[PAUSE] !== 'true';
}
