// A fleet as the engine knows it, whichever kind it stands in: its owner, its schema, and the infix that its objects' names have, so that
// two resources of different kinds and one name never meet in an object.
import type { Fleet } from '../api/v1alpha1.ts';
import type { Owner } from './manifest.ts';

export interface OwnedFleet {
  readonly owner: Owner;
  /** `gw` for gateways, `px` for proxies. */
  readonly infix: 'gw' | 'px';
  /** The service whose pods they are. */
  readonly component: 'connection-gateway' | 'proxy';
  readonly fleet: Fleet;
}

/** A pod with this label is given new connections. To drain it the label is taken off, and the pod stays ready. */
export const ACCEPTING = 'mining.sluice.dev/accepting';
/** The hash of what the pod was made of. */
export const REVISION = 'mining.sluice.dev/revision';
const FLEET = 'mining.sluice.dev/fleet';

/** What the names of the fleet's objects begin with. */
export const fleetName = ({ owner, infix }: OwnedFleet) => `${owner.metadata.name}-${infix}`;

/** By which all pods of the fleet are found, and none of another's. */
export const fleetSelector = (fleet: OwnedFleet) => ({ [FLEET]: fleetName(fleet) });

/** Labels of the fleet's objects. */
export function fleetLabels(fleet: OwnedFleet): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'sluice',
    'app.kubernetes.io/component': fleet.component,
    'app.kubernetes.io/instance': fleet.owner.metadata.name,
    'app.kubernetes.io/managed-by': 'sluice-operator',
    ...fleetSelector(fleet),
  };
}
