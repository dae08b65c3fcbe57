// Arbitrary values of any declared message, drawn from the name of each field's data type.
import * as fc from 'fast-check';
import type { Message, MessageOf } from '../src/message.ts';

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: 0, maxLength });
const fixed = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const unsigned = (bits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** bits - 1 });

const scalars: Record<string, fc.Arbitrary<unknown>> = {
  BOOL: fc.boolean(),
  U8: unsigned(8),
  U16: unsigned(16),
  U24: unsigned(24),
  U32: unsigned(32),
  U64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  U256: fixed(32),
  F32: fc.float(),
  MAC: fixed(16),
  PUBKEY: fixed(32),
  SIGNATURE: fixed(64),
  STR0_255: fc.string({ unit: 'binary', maxLength: 60 }),
  B0_32: bytes(32),
  B0_255: bytes(255),
  B0_64K: bytes(600),
  B0_16M: bytes(600),
};

/** Values of a data type by its name in the specification. */
export function arbitraryOf(typeName: string): fc.Arbitrary<unknown> {
  const list = /^(OPTION|SEQ0_255|SEQ0_64K)\[(.*)\]$/.exec(typeName);
  if (list === null) return scalars[typeName]!;
  const element = arbitraryOf(list[2]!);
  return list[1] === 'OPTION' ? fc.option(element, { nil: undefined }) : fc.array(element, { maxLength: 20 });
}

/** Values of a declared message. */
export function arbitraryMessage<M extends Message>(declared: M): fc.Arbitrary<MessageOf<M>> {
  const fields = Object.entries(declared.fields).map(([name, field]) => [name, arbitraryOf(field.type.name)]);
  return fc.record(Object.fromEntries(fields)) as fc.Arbitrary<MessageOf<M>>;
}
