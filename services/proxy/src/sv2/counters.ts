// Everything that the SV2 side counts, as plain numbers: counting costs an addition where it happens, and metrics read them at a scrape.
import { zeroCounts } from '@sluice/runtime/zero-counts';
import { type ErrorCode, errorCodes } from '@sluice/sv2/error-codes';
import { shareErrorCodes } from '../counters.ts';
import { sv2CloseReasons } from './errors.ts';

export type OpenErrorCode = ErrorCode<'OpenMiningChannel.Error'>;
export const openErrorCodes = Object.keys(errorCodes['OpenMiningChannel.Error']) as OpenErrorCode[];

export type Sv2Counters = ReturnType<typeof createSv2Counters>;

export function createSv2Counters() {
  return {
    connectionsAccepted: 0,
    refusedTotal: 0,
    refusedAddress: 0,
    refusedRate: 0,
    refusedAddressRate: 0,
    refusedDraining: 0,
    handshakes: 0,
    /** Times that a socket was not read because its peer sent too much. */
    heldBack: 0,
    /** Because all connections of its address together did. */
    heldBackAddress: 0,
    closed: zeroCounts(sv2CloseReasons),
    /** Messages that are not defined, or not meant for a server, or out of place without harm. */
    ignoredMessages: 0,

    channelsOpened: 0,
    opensRefused: zeroCounts(openErrorCodes),
    updates: 0,
    setTargets: 0,
    /** Jobs and tips written. */
    jobFrames: 0,

    /** Messages of SubmitShares.Success. */
    acknowledgements: 0,
    /** Messages of SubmitShares.Error, by code. */
    shareErrors: zeroCounts(shareErrorCodes),
  };
}
