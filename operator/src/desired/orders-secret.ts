import type { OwnedFleet } from './fleet.ts';
import { type Manifest, ownedMetadata } from './manifest.ts';
import { workloadLabels, workloadName } from './workload.ts';

/** The entry of the Secret. */
export const ORDERS_TOKEN = 'token';

/** Of the Secret with what orders to a fleet's pods are signed with. */
export const ordersSecretName = (owned: OwnedFleet) => `${workloadName(owned)}-orders`;

/** To be created, never applied: its token is made once. @param token printable ASCII */
export function ordersSecret(owned: OwnedFleet, token: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: ownedMetadata(owned.owner, ordersSecretName(owned), workloadLabels(owned)),
    type: 'Opaque',
    data: { [ORDERS_TOKEN]: Buffer.from(token).toString('base64') },
  };
}
