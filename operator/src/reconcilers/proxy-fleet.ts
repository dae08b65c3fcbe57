import type { Outcome, Reconciler } from '../control/reconciler.ts';

/** What a ProxyFleet becomes: nothing yet, which its conditions say. */
export const proxyFleetReconciler: Reconciler = {
  async reconcile(): Promise<Outcome> {
    const why = { reason: 'NotSupported', message: 'This version of the operator makes no proxies of a ProxyFleet.' };
    return { findings: [{ type: 'Ready', status: 'False', ...why }] };
  },
};
