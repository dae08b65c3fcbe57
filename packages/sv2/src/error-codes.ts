// The error_code strings of the Common and Mining protocols, each with its condition. The specification names none
// [sv2 3.5]; these are the ones that the reference implementation's crates define, so that deployed clients know
// them, and two of our own for a pool whose bus is away (pool-unavailable, share-not-stored). They are printable ASCII without control characters, and a peer's unknown code is only ever logged.

/** By the message that carries them. */
export const errorCodes = {
  'SetupConnection.Error': {
    'unsupported-protocol': 'The client asks for a protocol that this port does not serve.',
    'protocol-version-mismatch': 'Version 2 is not between min_version and max_version.',
    'unsupported-feature-flags':
      'The client requires a feature that the server lacks, or sets a flag that the protocol does not define; `flags` names them all.',
    'missing-declare-tx-data-flag':
      'A job declaration client does not agree to reveal its transactions, which this server demands.',
  },
  'OpenMiningChannel.Error': {
    'standard-channels-not-supported-for-custom-work':
      'A standard channel is asked for on a connection that was set up for work selection.',
    'extended-channels-not-supported-for-standard-jobs':
      'An extended channel is asked for on a connection that was set up for standard jobs only.',
    'channel-capacity-exhausted':
      'The connection has as many channels as it may have, or the server has no free prefix of its extranonce space or no room for one more payout.',
    'invalid-user-identity':
      'The identity is empty, too long, not printable or not of the form that the pool takes; or it means to have blocks paid to an address that is none of the network.',
    'unknown-user': 'The identity has the right form but names no account of the pool.',
    'invalid-nominal-hashrate': 'nominal_hash_rate is NaN, infinite or negative.',
    'max-target-out-of-range': 'max_target is harder than the hardest target that the pool gives out, or zero.',
    'min-extranonce-size-too-large':
      'min_extranonce_size is more than the pool leaves to a channel of the one extranonce size that it uses.',
    'unsupported-min-extranonce-size':
      'min_extranonce_size is more than the 32 bytes that an extranonce can have at all.',
    'pool-unavailable': 'The pool cannot decide now, because a part of it does not answer; ask again later.',
  },
  'UpdateChannel.Error': {
    'invalid-channel-id': 'The connection has no such channel.',
    'invalid-nominal-hashrate': 'nominal_hash_rate is NaN, infinite or negative.',
    'max-target-out-of-range': 'maximum_target is harder than the hardest target that the pool gives out, or zero.',
  },
  'SubmitShares.Error': {
    'invalid-channel-id': 'The connection has no such channel, or it is of the other kind.',
    'stale-share': 'The job belonged to the tip before the current one.',
    'invalid-job-id':
      'The channel has never had the job, the job has expired, is older than the last tip, or is a future job that was not activated.',
    'bad-extranonce-size': 'The extranonce does not have exactly the size that the channel was given.',
    'invalid-share': 'ntime is below min_ntime of the tip or too far in the future.',
    'invalid-non-rollable-version-bit':
      'The version differs from that of the job outside the bits of BIP 323 that may be rolled.',
    'version-rolling-not-allowed': 'The version differs from that of a job that does not allow rolling.',
    'difficulty-too-low': 'The hash of the header is above the target of the job.',
    'duplicate-share': 'The same header was already submitted for the job.',
    'share-not-stored': 'The pool cannot store shares now and its buffer is full: the share does not count.',
  },
  'SetCustomMiningJob.Error': {
    'jd-not-supported': 'The server takes no custom jobs.',
    'invalid-channel-id': 'The connection has no such extended channel or group.',
    'invalid-mining-job-token': 'The token was not given by our job declarator, has been used or has expired.',
    'job-not-yet-validated': 'The declared job behind the token is still being checked.',
    'stale-chain-tip': 'prev_hash is not the current tip.',
    'invalid-min-ntime': 'min_ntime is below what the current tip allows.',
    'invalid-nbits': 'nbits is not that of the next block.',
    'invalid-version': 'version is not acceptable to the network.',
    'invalid-coinbase-tx': 'The coinbase transaction cannot be put together or is not valid.',
    'invalid-coinbase-tx-version': 'coinbase_tx_version differs from the declared coinbase transaction.',
    'invalid-coinbase-prefix': 'coinbase_prefix is longer than 8 bytes or does not push the height of the next block.',
    'invalid-coinbase-tx-input-n-sequence':
      'coinbase_tx_input_nSequence differs from the declared coinbase transaction.',
    'invalid-coinbase-tx-outputs': 'coinbase_tx_outputs cannot be read or does not pay the pool.',
    'invalid-coinbase-tx-locktime': 'coinbase_tx_locktime differs from the declared coinbase transaction.',
    'invalid-merkle-path': 'merkle_path does not belong to the declared transactions.',
  },
} as const;

const NO_CUSTOM_JOBS = 'Not sent by Sluice: custom jobs are refused whole.';

/** Codes that clients have to know, because other servers send them, and that the gateway never sends, with the reason. */
export const codesNotSent: {
  readonly [Name in keyof typeof errorCodes]?: { readonly [Code in keyof (typeof errorCodes)[Name]]?: string };
} = {
  'SetupConnection.Error': { 'missing-declare-tx-data-flag': 'Not sent by Sluice: job declaration is not served.' },
  'SubmitShares.Error': {
    'version-rolling-not-allowed':
      "Sent by the proxy alone, where its upstream does not let it be rolled; all of the pool's jobs do.",
  },
  'SetCustomMiningJob.Error': {
    'invalid-channel-id': NO_CUSTOM_JOBS,
    'invalid-mining-job-token': NO_CUSTOM_JOBS,
    'job-not-yet-validated': NO_CUSTOM_JOBS,
    'stale-chain-tip': NO_CUSTOM_JOBS,
    'invalid-min-ntime': NO_CUSTOM_JOBS,
    'invalid-nbits': NO_CUSTOM_JOBS,
    'invalid-version': NO_CUSTOM_JOBS,
    'invalid-coinbase-tx': NO_CUSTOM_JOBS,
    'invalid-coinbase-tx-version': NO_CUSTOM_JOBS,
    'invalid-coinbase-prefix': NO_CUSTOM_JOBS,
    'invalid-coinbase-tx-input-n-sequence': NO_CUSTOM_JOBS,
    'invalid-coinbase-tx-outputs': NO_CUSTOM_JOBS,
    'invalid-coinbase-tx-locktime': NO_CUSTOM_JOBS,
    'invalid-merkle-path': NO_CUSTOM_JOBS,
  },
};

/** Messages that carry one of these codes. */
export type ErrorMessageName = keyof typeof errorCodes;
/** The codes that a message may carry, such as `ErrorCode<'SubmitShares.Error'>`. */
export type ErrorCode<Name extends ErrorMessageName = ErrorMessageName> = Name extends ErrorMessageName
  ? Extract<keyof (typeof errorCodes)[Name], string>
  : never;
