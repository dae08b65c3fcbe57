// What can go wrong between a service and the bus. The codes are listed in docs/reference/errors.md.

/** Each code with the condition under which it is raised. */
export const busErrorCodes = {
  'bus-timeout': 'No answer within the time allowed: the other side may or may not have acted.',
  'bus-no-responders': 'Nobody serves the subject of a request at the moment.',
  'bus-closed': 'The bus was closed on this side.',
  'bus-down':
    'The transport has no connection, or its disk is too far behind, and the call cannot wait: nothing was stored.',
  'bus-wrong-sequence':
    'An append expected another last sequence of its subject: somebody else has written, nothing was stored.',
  'bus-stream-full': 'The stream has reached its bound and discards new records: nothing was stored.',
  'bus-revision-conflict': 'A key was created or updated by somebody else since it was read: nothing was stored.',
  'bus-handler-failed': 'The service that answered the request failed while doing so.',
  'bus-server-refused': 'The server refused the call for a reason of its own; the message says which.',
  'bus-bad-payload': 'A payload is truncated, has bytes left over, or a version or value that is not known here.',
  'bus-bad-subject': 'A subject, stream or key name is not one that the bus accepts.',
  'bus-storage-failed': 'The log on disk could not be written or synced: nothing more is acknowledged until a restart.',
  'bus-stream-mismatch':
    'A stream exists on the server with settings that would lose data and cannot be changed in place; or, as a warning, with a larger bound or more copies than the settings say, which are left as they are.',
} as const;

export type BusErrorCode = keyof typeof busErrorCodes;

/** Every error that the bus throws or rejects with. */
export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code: BusErrorCode;

  constructor(code: BusErrorCode, detail: string, cause?: unknown) {
    super(`${code}: ${detail}`, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Whether `error` is a BusError, with this code if one is given. */
export function isBusError(error: unknown, code?: BusErrorCode): error is BusError {
  return error instanceof BusError && (code === undefined || error.code === code);
}
