import type { ObservedFleet } from '../../../src/scaling/observed-fleet.ts';

type Spec = ObservedFleet['fleet'];
type Parts = { readonly [P in 'autoscaling' | 'drain' | 'rollout' | 'rebalance']?: Partial<Spec[P]> };

/** A fleet as the API server gives it: the defaults, but for what is said here. */
export function fleetSpec(
  parts: Parts & Partial<Pick<Spec, 'replicas' | 'resources'>>,
  maxConnectionsPerPod: number,
): Spec {
  return {
    replicas: parts.replicas ?? 2,
    resources: parts.resources ?? {},
    listeners: [
      {
        ...{ name: 'sv2', protocol: 'SV2', port: 3336, maxConnectionsPerPod },
        service: { type: 'ClusterIP', externalTrafficPolicy: 'Local', sourceRanges: [] },
      },
    ],
    autoscaling: {
      ...{ enabled: true, minReplicas: 2, maxReplicas: 20, targetConnectionsPerPod: 6_000 },
      ...{ scaleUpWindow: '30s', scaleDownWindow: '15m', ...parts.autoscaling },
    },
    drain: { timeout: '300s', disconnectsPerSecond: 50, reconnect: { mode: 'Never', vendors: [] }, ...parts.drain },
    rollout: { maxSurge: 1, partition: 0, minReadySeconds: 15, progressDeadline: '15m', ...parts.rollout },
    rebalance: { enabled: true, tolerancePercent: 25, ...parts.rebalance },
  };
}

/** Numbers in [0, 1) that are the same each time (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
