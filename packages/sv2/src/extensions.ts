// The registered extensions [sv2 9] and the worker identity that 0x0002 appends to SubmitSharesExtended.
import type { DecodeFault } from './errors.ts';
import { Sv2EncodeError } from './errors.ts';
import { decodeText, encodeText } from './text.ts';
import { encodeTlv, readTlvs } from './tlv.ts';

/** extension_type of the registered extensions. */
export const extensionTypes = { extensionsNegotiation: 0x0001, workerHashrateTracking: 0x0002 } as const;

/** field_type of user_identity within 0x0002. */
const USER_IDENTITY_FIELD = 0x01;
/** Longest user_identity of 0x0002 in bytes. */
export const MAX_WORKER_IDENTITY_SIZE = 32;

const negotiated = [extensionTypes.workerHashrateTracking];

/** The TLV field that carries a worker's name, at most 32 bytes of UTF-8; throws `Sv2EncodeError`. */
export function encodeWorkerIdentity(worker: string): Uint8Array {
  const value = encodeText(worker);
  if (value.length > MAX_WORKER_IDENTITY_SIZE)
    throw new Sv2EncodeError('value-out-of-range', `a worker identity of ${value.length} bytes is longer than 32`);
  return encodeTlv(extensionTypes.workerHashrateTracking, USER_IDENTITY_FIELD, value);
}

/**
 * The worker named behind a SubmitSharesExtended on a connection that has negotiated 0x0002; `offset` is the end of
 * the message's own fields. Undefined when it names none.
 */
export function readWorkerIdentity(payload: Uint8Array, offset: number): string | undefined | DecodeFault {
  if (offset >= payload.length) return undefined;
  const fields = readTlvs(payload, offset, negotiated);
  if (!Array.isArray(fields)) return fields;
  const identity = fields.find((tlv) => tlv.fieldType === USER_IDENTITY_FIELD);
  if (identity === undefined) return undefined;
  if (identity.value.length > MAX_WORKER_IDENTITY_SIZE)
    return { ok: false, code: 'tlv-length-out-of-range', where: 'extension 0x0002 user_identity' };
  return decodeText(identity.value);
}

/** What RequestExtensions.Success or .Error is made of. */
export interface ExtensionAnswer {
  /** Extensions that may be used from now on; empty when the request is refused. */
  readonly supported: readonly number[];
  readonly unsupported: readonly number[];
  /** Extensions that the server demands and the request lacks. */
  readonly required: readonly number[];
  /** Success, or Error: nothing requested is supported, or a demanded one was not requested. */
  readonly accepted: boolean;
}

/** How a server answers RequestExtensions [ext 0x0001 4]; an identifier that is requested twice counts once. */
export function negotiateExtensions(
  requested: readonly number[],
  supports: readonly number[],
  demands: readonly number[] = [],
): ExtensionAnswer {
  const asked = [...new Set(requested)];
  const supported = asked.filter((extension) => supports.includes(extension));
  const unsupported = asked.filter((extension) => !supports.includes(extension));
  const required = demands.filter((extension) => !asked.includes(extension));
  const accepted = required.length === 0 && supported.length > 0;
  return { supported: accepted ? supported : [], unsupported, required, accepted };
}
