// Turns what the client library rejects with into the codes of the contract.
import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { errors, RequestError } from '@nats-io/nats-core';
import { BusError, type BusErrorCode } from '../errors.ts';

/** Codes of the JetStream API that the library does not name. */
const apiCodes = {
  wrongLastSequence: 10071,
  wrongLastSequenceUnknown: 10164,
  storeFailed: 10077,
  insufficientStorage: 10047,
  duplicateInFlight: 10158,
  streamNotFound: 10059,
  consumerNotFound: 10014,
} as const;

const apiCodeOf = (error: unknown): number | undefined => (error instanceof JetStreamApiError ? error.code : undefined);

export const isStreamMissing = (error: unknown): boolean => apiCodeOf(error) === apiCodes.streamNotFound;
export const isConsumerMissing = (error: unknown): boolean => apiCodeOf(error) === apiCodes.consumerNotFound;

export function isWrongSequence(error: unknown): boolean {
  const code = apiCodeOf(error);
  return code === apiCodes.wrongLastSequence || code === apiCodes.wrongLastSequenceUnknown;
}

/** Nobody took the record, and a moment later somebody may: the stream elects a leader, is being created, or the first copy is under way. */
export function isPassing(error: unknown): boolean {
  if (error instanceof JetStreamApiError) {
    const { code, err_code } = error.apiError();
    return (
      err_code === apiCodes.duplicateInFlight || (code === 503 && err_code !== apiCodes.storeFailed && !isFull(error))
    );
  }
  return isNoResponders(error);
}

/** The server has understood the call and will not do it, now or later. */
export const isRefusal = (error: unknown): boolean => error instanceof JetStreamApiError && !isPassing(error);

/** No answer came; not a lost connection, whose `bus-timeout` ends a call at once. */
export const isTimeout = (error: unknown): boolean => error instanceof errors.TimeoutError;

export function isNoResponders(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  if (error instanceof RequestError) return error.isNoResponders();
  return error instanceof JetStreamError && error.cause instanceof errors.NoRespondersError;
}

/** The library has no class of its own for it. */
const isInvalidKey = (error: unknown): boolean => error instanceof Error && error.message.startsWith('invalid key');

function isFull(error: JetStreamApiError): boolean {
  const { err_code, description } = error.apiError();
  return err_code === apiCodes.insufficientStorage || /maximum (bytes|messages).* exceeded/.test(description);
}

/** `what` names the subject or key for the message. */
export function toBusError(error: unknown, what: string): BusError {
  if (error instanceof BusError) return error;
  return new BusError(codeFor(error), `${what}: ${error instanceof Error ? error.message : String(error)}`, error);
}

function codeFor(error: unknown): BusErrorCode {
  if (isWrongSequence(error)) return 'bus-wrong-sequence';
  if (error instanceof JetStreamApiError && isFull(error)) return 'bus-stream-full';
  if (isTimeout(error)) return 'bus-timeout';
  if (isNoResponders(error)) return 'bus-no-responders';
  if (error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError)
    return 'bus-closed';
  if (error instanceof errors.InvalidSubjectError || isInvalidKey(error)) return 'bus-bad-subject';
  if (error instanceof JetStreamApiError) return 'bus-server-refused';
  return 'bus-down';
}
