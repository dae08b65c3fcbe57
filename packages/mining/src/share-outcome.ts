// What can become of a share, as small integers: the path of a share makes no object for its answer.
import type { ErrorCode } from '@sluice/sv2/error-codes';

/** The outcomes; index of `shareErrorCodes`. */
export const ShareOutcome = {
  accepted: 0,
  unknownJob: 1,
  badExtranonceSize: 2,
  stale: 3,
  versionRollingNotAllowed: 4,
  nonRollableVersionBit: 5,
  ntimeOutOfRange: 6,
  difficultyTooLow: 7,
  duplicate: 8,
  /** The job has taken as many shares of this channel as it may: see duplicate-filter.ts. */
  jobExhausted: 9,
} as const;
export type ShareOutcome = (typeof ShareOutcome)[keyof typeof ShareOutcome];

/** The error code of SubmitShares.Error for each outcome; empty for an accepted share. */
export const shareErrorCodes: readonly (ErrorCode<'SubmitShares.Error'> | '')[] = [
  '',
  'invalid-job-id',
  'bad-extranonce-size',
  'stale-share',
  'version-rolling-not-allowed',
  'invalid-non-rollable-version-bit',
  'invalid-share',
  'difficulty-too-low',
  'duplicate-share',
  'invalid-job-id',
];
