// Everything the gateway counts, as plain numbers: counting costs an addition where it happens, and metrics.ts reads them at a scrape.
import { zeroCounts } from '@sluice/runtime/zero-counts';
import { errorCodes } from '@sluice/sv2/error-codes';
import { closeReasons } from './errors.ts';

export const shareErrorCodes = Object.keys(errorCodes['SubmitShares.Error']) as ShareErrorCode[];
export type ShareErrorCode = keyof (typeof errorCodes)['SubmitShares.Error'];

export const openErrorCodes = Object.keys(errorCodes['OpenMiningChannel.Error']) as OpenErrorCode[];
export type OpenErrorCode = keyof (typeof errorCodes)['OpenMiningChannel.Error'];

export const updateErrorCodes = Object.keys(errorCodes['UpdateChannel.Error']) as UpdateErrorCode[];
export type UpdateErrorCode = keyof (typeof errorCodes)['UpdateChannel.Error'];

/** What there may be too many of. */
export const openLimits = ['connection', 'pending', 'address', 'total', 'prefixes', 'payouts'] as const;
export type OpenLimit = (typeof openLimits)[number];

export type GatewayCounters = ReturnType<typeof createCounters>;

export function createCounters() {
  return {
    connectionsAccepted: 0,
    refusedTotal: 0,
    refusedAddress: 0,
    refusedRate: 0,
    refusedAddressRate: 0,
    refusedDraining: 0,
    handshakes: 0,
    closed: zeroCounts(closeReasons),
    /** Messages that are not defined, or not meant for a server, or out of place without harm. */
    ignoredMessages: 0,
    /** Times that a socket was not read because its peer sent too much. */
    heldBack: 0,
    /** Because all connections of its address together did. */
    heldBackAddress: 0,

    channelsOpened: 0,
    opensRefused: zeroCounts(openErrorCodes),
    /** Those of them that were refused because of a bound. */
    opensOverLimit: zeroCounts(openLimits),
    updates: 0,
    updatesRefused: zeroCounts(updateErrorCodes),
    setTargets: 0,

    sharesAccepted: 0,
    sharesRefused: zeroCounts(shareErrorCodes),
    sharesStored: 0,
    batchesStored: 0,
    appendRetries: 0,
    acknowledgements: 0,

    solutions: 0,
    solutionsStored: 0,
    solutionsAnswered: 0,
    solutionsDropped: 0,

    /** Jobs made over for a payout other than the pool's. */
    paidJobs: 0,
    feedRecords: 0,
    tipsWithoutJob: 0,
    fanOuts: 0,
    jobFrames: 0,
  };
}
