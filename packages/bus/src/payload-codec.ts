// Binary payloads of the bus: a version byte, then the declared fields in order, all integers little-endian. One declaration gives
// codec and type. Byte fields of a decoded value are views of the payload, which belongs to the receiver.

import { ByteReader, ByteWriter } from './byte-cursor.ts';
import { BusError } from './errors.ts';

/** How one field is written and read. */
export interface Field<T> {
  readonly name: string;
  write(out: ByteWriter, value: T): void;
  read(input: ByteReader): T;
}

export type FieldValue<F> = F extends Field<infer T> ? T : never;

type Shape = Readonly<Record<string, Field<unknown>>>;
type ShapeValue<S extends Shape> = { readonly [K in keyof S]: FieldValue<S[K]> };

const field = <T>(name: string, write: Field<T>['write'], read: Field<T>['read']): Field<T> => ({ name, write, read });

export const u8 = field<number>(
  'u8',
  (out, value) => out.u8(value),
  (input) => input.u8(),
);
export const u16 = field<number>(
  'u16',
  (out, value) => out.u16(value),
  (input) => input.u16(),
);
export const u32 = field<number>(
  'u32',
  (out, value) => out.u32(value),
  (input) => input.u32(),
);
export const u48 = field<number>(
  'u48',
  (out, value) => out.u48(value),
  (input) => input.u48(),
);
export const u64 = field<bigint>(
  'u64',
  (out, value) => out.u64(value),
  (input) => input.u64(),
);
export const u256 = field<bigint>(
  'u256',
  (out, value) => out.u256(value),
  (input) => input.u256(),
);
export const f32 = field<number>(
  'f32',
  (out, value) => out.f32(value),
  (input) => input.f32(),
);
export const bool = field<boolean>('bool', (out, value) => out.u8(value ? 1 : 0), readBool);
/** UTF-8, at most 65,535 bytes. */
export const text = field<string>(
  'text',
  (out, value) => out.text(value),
  (input) => input.text(),
);
/** At most 2^32 - 1 bytes by its length field; a message ends at MAX_PAYLOAD_BYTES. */
export const bytes = field<Uint8Array>(
  'bytes',
  (out, value) => out.bytes(value),
  (input) => input.bytes(),
);
/** A hash or target in wire order. */
export const hash32 = fixed(32);

/** Exactly `length` bytes, without a length field. */
export function fixed(length: number): Field<Uint8Array> {
  return field(
    `${length} bytes`,
    (out, value) => {
      if (value.length !== length)
        throw new BusError('bus-bad-payload', `${value.length} bytes where ${length} belong`);
      out.raw(value);
    },
    (input) => input.raw(length),
  );
}

/** A count in 32 bits, then the items. */
export function list<T>(item: Field<T>): Field<readonly T[]> {
  return field(
    `list of ${item.name}`,
    (out, values) => {
      out.u32(values.length);
      for (const value of values) item.write(out, value);
    },
    (input) => {
      const count = input.u32();
      // Every item takes a byte at least: a count beyond that is a lie, told before anything is allocated.
      if (count > input.remaining)
        throw new BusError('bus-bad-payload', `a list of ${count} items in ${input.remaining} bytes`);
      const values: T[] = [];
      for (let index = 0; index < count; index++) values.push(item.read(input));
      return values;
    },
  );
}

/** Fields one after the other. */
export function group<S extends Shape>(shape: S): Field<ShapeValue<S>> {
  const entries = Object.entries(shape);
  return field<ShapeValue<S>>(
    `{ ${entries.map(([key, type]) => `${key}: ${type.name}`).join(', ')} }`,
    (out, value) => {
      for (const [key, type] of entries) type.write(out, value[key]);
    },
    (input) => {
      const value: Record<string, unknown> = {};
      for (const [key, type] of entries) value[key] = type.read(input);
      return value as ShapeValue<S>;
    },
  );
}

type VariantValue<V extends Readonly<Record<string, Shape>>> = {
  [K in keyof V]: { readonly kind: K } & ShapeValue<V[K]>;
}[keyof V];

/** One byte that tells which, counted in declaration order from 1, then its fields. The value carries the name in `kind`. */
export function variants<V extends Readonly<Record<string, Shape>>>(table: V): Field<VariantValue<V>> {
  const kinds = Object.keys(table);
  const groups = kinds.map((kind) => group(table[kind] as Shape));
  return field<VariantValue<V>>(
    kinds.map((kind, index) => `${kind} ${groups[index]?.name}`).join(' | '),
    (out, value) => {
      const index = kinds.indexOf(value.kind as string);
      out.u8(index + 1);
      groups[index]?.write(out, value as never);
    },
    (input) => {
      const tag = input.u8();
      const found = groups[tag - 1];
      if (found === undefined) throw new BusError('bus-bad-payload', `variant ${tag} is not known here`);
      return { kind: kinds[tag - 1], ...found.read(input) } as VariantValue<V>;
    },
  );
}

/** What subjects.ts lists for each subject. */
export interface Payload<T> {
  readonly name: string;
  readonly version: number;
  /** The fields in words, for the reference. */
  readonly layout: string;
  encode(value: T): Uint8Array;
  /** Throws `bus-bad-payload`. */
  decode(payload: Uint8Array): T;
}

export type PayloadValue<P> = P extends Payload<infer T> ? T : never;

/** Declares a payload: version byte, then `body`. */
export function payload<T>(name: string, version: number, body: Field<T>): Payload<T> {
  return {
    name,
    version,
    layout: body.name,
    encode(value) {
      const out = new ByteWriter();
      out.u8(version);
      body.write(out, value);
      return out.finish();
    },
    decode(bytesIn) {
      const input = new ByteReader(bytesIn);
      const found = input.u8();
      if (found !== version) throw new BusError('bus-bad-payload', `${name} of version ${found}, known is ${version}`);
      const value = body.read(input);
      if (input.remaining !== 0)
        throw new BusError('bus-bad-payload', `${input.remaining} bytes behind the end of ${name}`);
      return value;
    },
  };
}

function readBool(input: ByteReader): boolean {
  const value = input.u8();
  if (value > 1) throw new BusError('bus-bad-payload', `${value} is no boolean`);
  return value === 1;
}
