// A fleet as the engine knows it, whichever kind it stands in: its owner, its schema, and what its objects are called.
import type { Fleet } from '../api/v1alpha1.ts';
import type { Workload } from './workload.ts';

export interface OwnedFleet extends Workload {
  readonly infix: 'gw' | 'px';
  readonly component: 'connection-gateway' | 'proxy';
  readonly fleet: Fleet;
}

/** A pod with this label is given new connections. To drain it the label is taken off, and the pod stays ready. */
export const ACCEPTING = 'mining.sluice.dev/accepting';
/** The hash of what the pod was made of. */
export const REVISION = 'mining.sluice.dev/revision';
