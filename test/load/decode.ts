import { decodePayload, type Message, type MessageOf } from '@sluice/sv2/message';

/** Throws at what cannot be read: the connection ends with it. */
export function decode<M extends Message>(declared: M, payload: Uint8Array): MessageOf<M> {
  const decoded = decodePayload(declared, payload);
  if (!decoded.ok) throw new Error(`${declared.name}: ${decoded.code} at ${decoded.where}`);
  return decoded.value;
}
