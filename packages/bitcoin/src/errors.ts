// Faults of this package: settings that cannot be mined with, and numbers from a node that no block can have.
// Bytes of a peer that cannot be read are returned as `undefined`, never thrown.

/** What `BitcoinError` can carry, each with its condition. */
export const bitcoinErrorCodes = {
  'address-invalid': 'The text is no address of any known network: checksum, length or witness program are wrong.',
  'address-wrong-network': 'The address is a good one, but of another network than the configured one.',
  'descriptor-invalid': 'The output descriptor cannot be read: brackets, key or hexadecimal text are wrong.',
  'descriptor-checksum': 'The output descriptor carries a checksum that is not its own.',
  'descriptor-private-key':
    'The text holds what looks like a private key: a pool needs none, and no message shows the text. Give the address.',
  'descriptor-unsupported':
    'The output descriptor is of a kind, or has a kind of key, that gives no single fixed script here.',
  'compact-target-negative': 'A compact target (nBits) has its sign bit set.',
  'compact-target-overflow': 'A compact target (nBits) stands for more than 256 bits.',
  'number-out-of-range': 'A difficulty, hash rate, share rate, height or amount is outside of what Bitcoin can carry.',
  'coinbase-script-too-long': 'Height, tag, pushes and extranonce do not fit the 100 bytes of a coinbase script.',
  'coinbase-invalid': 'The bytes are no coinbase in the serialization without witness.',
  'wrong-length': 'A hash or header has another length than its type.',
} as const;
/** A key of `bitcoinErrorCodes`. */
export type BitcoinErrorCode = keyof typeof bitcoinErrorCodes;

/** Thrown for settings and numbers, never for the bytes of a peer. */
export class BitcoinError extends Error {
  readonly code: BitcoinErrorCode;

  constructor(code: BitcoinErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BitcoinError';
    this.code = code;
  }
}
