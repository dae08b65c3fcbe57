// Everything that the SV1 side counts, as plain numbers: counting costs an addition where it happens, and metrics read them at a scrape.
import { zeroCounts } from '@sluice/runtime/zero-counts';
import { sv1Codes } from '@sluice/sv1/error-codes';
import { type LineFaultCode, lineFaultCodes } from '@sluice/sv1/errors';
import type { MinerRequest } from '@sluice/sv1/miner-requests';
import type { ShareRefusal } from '@sluice/sv1/submitted-share';
import { sv1CloseReasons } from './errors.ts';

const requestKinds: Readonly<Record<MinerRequest['kind'] | 'response', 0>> = {
  submit: 0,
  configure: 0,
  subscribe: 0,
  authorize: 0,
  'extranonce-subscribe': 0,
  'suggest-difficulty': 0,
  'suggest-target': 0,
  ping: 0,
  'get-transactions': 0,
  pong: 0,
  unknown: 0,
  malformed: 0,
  response: 0,
};

const shareRefusals: Readonly<Record<ShareRefusal, 0>> = {
  'bad-extranonce-size': 0,
  'invalid-non-rollable-version-bit': 0,
  'version-rolling-not-allowed': 0,
};

/** What messages of miners are told apart by: those of `MinerRequest`, and answers. */
export const sv1RequestKinds = Object.keys(requestKinds) as (keyof typeof requestKinds)[];
/** Of shares that do not get as far as the farm. */
export const sv1ShareRefusals = Object.keys(shareRefusals) as ShareRefusal[];
export const sv1LineFaults = Object.keys(lineFaultCodes) as LineFaultCode[];
/** Codes of error answers, as text. */
export const sv1ErrorNumbers = Object.keys(sv1Codes);

export type Sv1Counters = ReturnType<typeof createSv1Counters>;

export function createSv1Counters() {
  return {
    connectionsAccepted: 0,
    refusedTotal: 0,
    refusedAddress: 0,
    refusedRate: 0,
    refusedAddressRate: 0,
    refusedDraining: 0,
    tlsHandshakes: 0,
    /** Times that new files with a TLS certificate could not be used. */
    tlsCertificateFaults: 0,
    /** Times that a socket was not read because its peer sent too much. */
    heldBack: 0,
    /** Because all connections of its address together did. */
    heldBackAddress: 0,
    closed: zeroCounts(sv1CloseReasons),

    requests: zeroCounts(sv1RequestKinds),
    lineFaults: zeroCounts(sv1LineFaults),
    /** Answers with an error, shares' among them, by its number. */
    errorAnswers: zeroCounts(sv1ErrorNumbers) as Record<number, number>,
    sharesRefused: zeroCounts(sv1ShareRefusals),

    /** Lines of mining.notify written, those that tell a job again among them. */
    notifies: 0,
    /** Lines that told the last job again because no other had come. */
    keepAlives: 0,
    setDifficulties: 0,
    /** Jobs whose mining.notify is longer than the 8 KiB that devices have room for. */
    oversizedJobs: 0,
  };
}
