// The six error codes of SV1, and what the error codes of SV2 are to a miner of SV1: one table, read both ways.
import type { ErrorCode } from '@sluice/sv2/error-codes';

/** The error of an answer, as [code, message, null]. */
export interface Sv1Error {
  readonly code: number;
  readonly message: string;
}

/** What everybody understands by each code. */
export const sv1Codes = {
  20: 'Other/Unknown',
  21: 'Job not found',
  22: 'Duplicate share',
  23: 'Low difficulty share',
  24: 'Unauthorized worker',
  25: 'Not subscribed',
} as const;

/** Parameters that cannot be read. */
export const MALFORMED: Sv1Error = { code: 20, message: 'Invalid parameters' };
/** Methods that are not known. */
export const NOT_SUPPORTED: Sv1Error = { code: 20, message: 'Not supported.' };
/** A user that was not authorized. */
export const UNAUTHORIZED: Sv1Error = { code: 24, message: sv1Codes[24] };
/** A share before mining.subscribe. */
export const NOT_SUBSCRIBED: Sv1Error = { code: 25, message: sv1Codes[25] };

type Translated = 'OpenMiningChannel.Error' | 'SubmitShares.Error';

/** What an SV1 miner is told, by the message and the code that say it in SV2. */
export const sv1Errors: { readonly [Name in Translated]: { readonly [Code in ErrorCode<Name>]: Sv1Error } } = {
  'OpenMiningChannel.Error': {
    'standard-channels-not-supported-for-custom-work': { code: 20, message: 'Channel not supported' },
    'extended-channels-not-supported-for-standard-jobs': { code: 20, message: 'Channel not supported' },
    'channel-capacity-exhausted': { code: 20, message: 'Server full' },
    'invalid-user-identity': UNAUTHORIZED,
    'unknown-user': UNAUTHORIZED,
    'invalid-nominal-hashrate': { code: 20, message: 'Invalid hashrate' },
    'max-target-out-of-range': { code: 20, message: 'Difficulty out of range' },
    'min-extranonce-size-too-large': { code: 20, message: 'Extranonce size not supported' },
    'unsupported-min-extranonce-size': { code: 20, message: 'Extranonce size not supported' },
    'pool-unavailable': { code: 20, message: 'Server unavailable' },
  },
  'SubmitShares.Error': {
    'invalid-channel-id': NOT_SUBSCRIBED,
    'stale-share': { code: 21, message: 'Stale share' },
    'invalid-job-id': { code: 21, message: sv1Codes[21] },
    'bad-extranonce-size': { code: 20, message: 'Invalid extranonce2 size' },
    'invalid-share': { code: 20, message: 'Invalid ntime' },
    'invalid-non-rollable-version-bit': { code: 20, message: 'Invalid version bits' },
    'version-rolling-not-allowed': { code: 20, message: 'Version rolling not allowed' },
    'difficulty-too-low': { code: 23, message: sv1Codes[23] },
    'duplicate-share': { code: 22, message: sv1Codes[22] },
    'share-not-stored': { code: 20, message: 'Share not stored' },
  },
};

const byErrorCode: ReadonlyMap<string, Sv1Error> = new Map(
  Object.values(sv1Errors).flatMap((errors) => Object.entries(errors)),
);

/** A code of another server's own is 20 with its name for a message. */
export function sv1ErrorOf(errorCode: string): Sv1Error {
  return byErrorCode.get(errorCode) ?? { code: 20, message: errorCode };
}

/** Words by which pools tell apart what they send under one code; the first that fits counts. */
const WORDS: readonly (readonly [words: RegExp, errorCode: ErrorCode<'SubmitShares.Error'>])[] = [
  [/time/i, 'invalid-share'],
  [/version/i, 'invalid-non-rollable-version-bit'],
  [/extranonce|nonce2/i, 'bad-extranonce-size'],
  [/stale|prevblk/i, 'stale-share'],
  [/duplicate/i, 'duplicate-share'],
  [/low diff|above target|high-hash/i, 'difficulty-too-low'],
  [/job|unknown-work/i, 'invalid-job-id'],
];

const byCode: Readonly<Record<number, ErrorCode<'SubmitShares.Error'>>> = {
  21: 'invalid-job-id',
  22: 'duplicate-share',
  23: 'difficulty-too-low',
  25: 'invalid-channel-id',
};

/** The code of SubmitShares.Error for a share that an SV1 pool refused: by our own messages, else by words of the message, else by the code. */
export function sv2ErrorOf({ code, message }: Sv1Error): ErrorCode<'SubmitShares.Error'> {
  const own = Object.entries(sv1Errors['SubmitShares.Error']).find(
    ([, error]) => error.code === code && error.message === message,
  );
  if (own !== undefined) return own[0] as ErrorCode<'SubmitShares.Error'>;
  return WORDS.find(([words]) => words.test(message))?.[1] ?? byCode[code] ?? 'invalid-share';
}
