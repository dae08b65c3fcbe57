// A message is declared once: name, type, channel bit, section and fields with their documentation. Its codec, its
// bounds, its TypeScript type and its page in docs/reference/messages.md all come from that declaration.
import type { DataType, ValueOf } from './data-types.ts';
import type { DecodeFault } from './errors.ts';
import { Sv2EncodeError } from './errors.ts';
import { PayloadReader } from './payload-reader.ts';

/** Which part of the specification a message belongs to. */
export type Protocol = 'common' | 'mining' | 'job-declaration' | 'template-distribution' | 'extensions-negotiation';

/** A field as it is declared: its type on the wire, and what it means. */
export interface Field<T> {
  readonly type: DataType<T>;
  readonly doc: string;
}

/** Fields by their names in camel case, in the order of the wire. */
// biome-ignore lint/suspicious/noExplicitAny: a field of any value type; the concrete one is inferred per message
export type Fields = Readonly<Record<string, Field<any>>>;

/** What the specification says of a message. */
export interface MessageDeclaration<F extends Fields> {
  /** The specification's name, such as `SubmitShares.Success`. */
  readonly name: string;
  readonly protocol: Protocol;
  /** msg_type of the frame header. */
  readonly type: number;
  /** Whether the frame carries the channel_msg bit, and so starts with a channel id. */
  readonly channelMsg: boolean;
  /** Who may send it. */
  readonly from: 'client' | 'server' | 'both';
  /** Section of the specification, such as `5.3.11`, or of an extension, such as `ext 0x0001 2`. */
  readonly spec: string;
  readonly doc: string;
  /** In the order of the wire. */
  readonly fields: F;
}

/** A declared message, with what follows from its declaration. */
export interface Message<F extends Fields = Fields> extends MessageDeclaration<F> {
  /** extension_type of the frame header without the channel_msg bit: 0, or the extension that defines the message. */
  readonly extensionType: number;
  /** Bounds of the payload in bytes, without TLV fields; never more than a frame can carry. */
  readonly minPayload: number;
  readonly maxPayload: number;
}

/** The object that a declared message is in memory. */
export type MessageOf<M> = M extends Message<infer F> ? { -readonly [K in keyof F]: ValueOf<F[K]['type']> } : never;

/** Longest payload that the U24 of a frame header can announce. */
export const MAX_PAYLOAD = 0xff_ffff;

/** A field of a message. */
export function field<T>(type: DataType<T>, doc: string): Field<T> {
  return { type, doc };
}

/** Declares a message. */
export function message<const F extends Fields>(declaration: MessageDeclaration<F>): Message<F> {
  const types = Object.values(declaration.fields).map((declared) => declared.type);
  return {
    ...declaration,
    extensionType: declaration.protocol === 'extensions-negotiation' ? 0x0001 : 0x0000,
    minPayload: types.reduce((total, type) => total + type.minSize, 0),
    maxPayload: Math.min(
      MAX_PAYLOAD,
      types.reduce((total, type) => total + type.maxSize, 0),
    ),
  };
}

/** Length in bytes of a message's payload. */
export function payloadSize<M extends Message>(declared: M, value: MessageOf<M>): number {
  const values = value as Record<string, unknown>;
  let size = 0;
  for (const name in declared.fields) size += declared.fields[name]!.type.size(values[name]);
  return size;
}

/** Writes a payload at `offset`, which has room for it, and returns the offset after it; throws `Sv2EncodeError`. */
export function writePayload<M extends Message>(
  out: Uint8Array,
  offset: number,
  declared: M,
  value: MessageOf<M>,
): number {
  const values = value as Record<string, unknown>;
  let next = offset;
  for (const name in declared.fields) {
    try {
      next = declared.fields[name]!.type.write(out, next, values[name]);
    } catch (error) {
      if (!(error instanceof Sv2EncodeError)) throw error;
      throw new Sv2EncodeError(error.code, `${declared.name}.${name}: ${error.message}`);
    }
  }
  return next;
}

/** A payload of its own; throws `Sv2EncodeError`. */
export function encodePayload<M extends Message>(declared: M, value: MessageOf<M>): Uint8Array {
  const out = new Uint8Array(payloadSize(declared, value));
  writePayload(out, 0, declared, value);
  return out;
}

/** A decoded message: its value, and how many bytes of the payload its own fields took. */
export interface Decoded<T> {
  readonly ok: true;
  readonly value: T;
  /** Where TLV fields start, when an extension that has some was negotiated. */
  readonly length: number;
}

/**
 * Reads a payload. Bytes after the last field are no fault: a sender may append TLV fields that we have not
 * negotiated, and those are to be ignored [sv2 3.4.3; ext 0x0002 1.3]. Who has negotiated some reads them with
 * `tlv.ts` from `length` on.
 */
export function decodePayload<M extends Message>(
  declared: M,
  payload: Uint8Array,
): Decoded<MessageOf<M>> | DecodeFault {
  const reader = new PayloadReader(payload);
  const value: Record<string, unknown> = {};
  for (const name in declared.fields) {
    value[name] = declared.fields[name]!.type.read(reader);
    if (reader.fault !== undefined) return { ok: false, code: reader.fault, where: `${declared.name}.${name}` };
  }
  return { ok: true, value: value as MessageOf<M>, length: reader.offset };
}
