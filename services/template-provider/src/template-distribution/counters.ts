// What template distribution counts, as plain numbers; metrics.ts reads them at a scrape.
import { zeroCounts } from '@sluice/runtime/zero-counts';
import { type CloseReason, closeReasons } from './errors.ts';

export const requestOutcomes = ['served', 'template-id-not-found', 'stale-template-id'] as const;
export type RequestOutcome = (typeof requestOutcomes)[number];

/** `submitted` went to the nodes; the others cost them nothing. */
export const solutionOutcomes = ['submitted', 'template-unknown', 'malformed-coinbase', 'no-work'] as const;
export type SolutionOutcome = (typeof solutionOutcomes)[number];

export type DistributionCounters = ReturnType<typeof createCounters>;

export function createCounters() {
  return {
    connectionsAccepted: 0,
    refusedTotal: 0,
    refusedAddress: 0,
    refusedRate: 0,
    refusedAddressRate: 0,
    refusedDraining: 0,
    handshakes: 0,
    closed: zeroCounts<CloseReason>(closeReasons),
    /** Messages that are not defined, or not meant for a server, or out of place without harm. */
    ignoredMessages: 0,
    heldBack: 0,
    /** Because all connections of its address together did. */
    heldBackAddress: 0,
    newTemplates: 0,
    setNewPrevHashes: 0,
    requests: zeroCounts<RequestOutcome>(requestOutcomes),
    solutions: zeroCounts<SolutionOutcome>(solutionOutcomes),
  };
}
