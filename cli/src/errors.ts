// Codes of what the command itself can fail with.

export const keystoreErrorCodes = {
  'keystore-exists': 'A key was to be made in a file that exists; keys are never overwritten.',
  'keystore-unwritable': 'The file or folder of a key cannot be written.',
  'keystore-damaged': 'The file of a key holds something else: wrong characters, length, version or checksum.',
} as const;
export type KeystoreErrorCode = keyof typeof keystoreErrorCodes;
