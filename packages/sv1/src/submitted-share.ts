// A mining.submit as the fields of its header.
import type { ErrorCode } from '@sluice/sv2/error-codes';
import { parseHexBytes } from './hex.ts';
import type { Submit } from './miner-requests.ts';
import { submittedVersion } from './version-bits.ts';

/** What a miner chose of a header. */
export interface Sv1Share {
  readonly extranonce2: Uint8Array;
  /** Unix seconds. */
  readonly ntime: number;
  readonly nonce: number;
  readonly version: number;
}

/** What a share is read by: of its job, not of the last one. */
export interface ShareTerms {
  readonly extranonce2Size: number;
  readonly jobVersion: number;
  /** Bits that may be rolled; 0: none were agreed on. */
  readonly versionMask: number;
}

/** The code says why there is no such header; the miner is told so and stays. */
export type ShareRefusal = Extract<
  ErrorCode<'SubmitShares.Error'>,
  'bad-extranonce-size' | 'invalid-non-rollable-version-bit' | 'version-rolling-not-allowed'
>;

/** A share, or why it is none. */
export function readShare(
  { extranonce2: digits, ntime, nonce, versionBits }: Submit,
  { extranonce2Size, jobVersion, versionMask }: ShareTerms,
): Sv1Share | ShareRefusal {
  const extranonce2 = parseHexBytes(digits, extranonce2Size);
  if (extranonce2 === undefined) return 'bad-extranonce-size';
  const version = submittedVersion(jobVersion, versionBits, versionMask);
  if (version === undefined)
    return versionMask === 0 ? 'version-rolling-not-allowed' : 'invalid-non-rollable-version-bit';
  return { extranonce2, ntime, nonce, version };
}
