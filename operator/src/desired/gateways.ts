// What a MiningPool's gateways are made of: pure functions from the resource to manifests.
import type { MiningPool } from '../api/v1alpha1.ts';
import { busAccess } from './bus-access.ts';
import type { OwnedFleet } from './fleet.ts';
import { type FleetManifests, fleetManifests, listenAddresses } from './fleet-manifests.ts';
import type { DefaultImage } from './image-reference.ts';
import { podNameAs } from './pod-template.ts';
import { providerEndpoint } from './template-providers.ts';

export interface GatewayContext {
  /** What the operator was installed with. */
  readonly image: DefaultImage;
  /** By which the gateways check the certificate that they are given, in base58check. */
  readonly authorityPublicKey: string;
}

/** The fleet as the engine knows it. */
export const ownedGateways = (owner: MiningPool): OwnedFleet => ({
  ...{ owner, infix: 'gw', component: 'connection-gateway', fleet: owner.spec.gateways },
});

/** @param replicas pods that its ReplicaSet is made with; how many it has afterwards is the scaling's */
export function gateways(pool: MiningPool, context: GatewayContext, replicas: number): FleetManifests {
  const { image, gateways: fleet } = pool.spec;
  const bus = busAccess(pool, 'connection-gateway');
  const settings = {
    ...bus.settings,
    listen: listenAddresses(fleet, 'SV2'),
    // By the Service, so that another number of providers exchanges no gateway.
    solutionEndpoints: [providerEndpoint(pool)],
    reconnectVendors: fleet.drain.reconnect.vendors,
  };
  return fleetManifests(
    ownedGateways(pool),
    {
      ...{ image, defaultImage: context.image, settings, authorityPublicKey: context.authorityPublicKey },
      inputs: { ...bus, env: [podNameAs('SLUICE_GATEWAY_LABEL'), ...bus.env] },
    },
    replicas,
  );
}
