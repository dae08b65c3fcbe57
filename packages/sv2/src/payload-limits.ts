// How long a payload may be, by message type: known before a byte of it is buffered or decrypted. Each receiver lists
// the messages it takes, so that a client cannot make a server buffer what only servers send.
import type { Message } from './message.ts';
import { MAX_PAYLOAD } from './message.ts';

/** Longest payload accepted for a message type; 0 refuses all but an empty one. */
export type PayloadLimit = (extensionType: number, msgType: number) => number;

/**
 * Room for TLV fields behind a message's own fields: a sender may append fields that we then ignore, but not without
 * bound. The one registered TLV takes at most 37 bytes.
 */
export const TLV_ALLOWANCE = 1024;

/** Messages that the receiver does not know are read to be ignored [sv2 3.4.1], up to this length. */
export const UNKNOWN_PAYLOAD_LIMIT = 4096;

/** The limits of a receiver that takes these messages. */
export function payloadLimits(accepted: readonly Message[]): PayloadLimit {
  const limits = new Map<number, number>();
  for (const declared of accepted)
    limits.set(key(declared.extensionType, declared.type), Math.min(MAX_PAYLOAD, declared.maxPayload + TLV_ALLOWANCE));
  return (extensionType, msgType) => limits.get(key(extensionType, msgType)) ?? UNKNOWN_PAYLOAD_LIMIT;
}

function key(extensionType: number, msgType: number): number {
  return ((extensionType & 0x7fff) << 8) | msgType;
}
