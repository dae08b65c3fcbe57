// The kinds of resources that are ours, as the API server serves them.
import type { Resource } from '../kubernetes/resource.ts';

const customKind = (kind: string, plural: string): Resource => ({
  ...{ apiVersion: 'mining.sluice.dev/v1alpha1', kind, plural, namespaced: true },
});

const miningPools = customKind('MiningPool', 'miningpools');
const proxyFleets = customKind('ProxyFleet', 'proxyfleets');

export const customKinds: readonly Resource[] = [miningPools, proxyFleets];

/** The kind of a resource of ours. */
export const customKindOf = ({ kind }: { readonly kind: 'MiningPool' | 'ProxyFleet' }): Resource =>
  kind === 'MiningPool' ? miningPools : proxyFleets;
