// A node's active tip has become this block: published at the first news, before any template of the new height exists.
import { BusError } from '../errors.ts';
import {
  bytes,
  type Field,
  fixed,
  group,
  hash32,
  type Payload,
  type PayloadValue,
  payload,
  text,
  u32,
  u64,
  u256,
} from '../payload-codec.ts';

const fields = <Header extends Field<Uint8Array>>(header: Header) =>
  ({
    /** Name of the template-provider. */
    provider: text,
    /** Block hash, wire order. */
    hash: hash32,
    /** Empty where it is not known: a Template Distribution server tells the hash alone. */
    header,
    height: u32,
    /** Expected hashes to reproduce the chain up to and with this block; 0: unknown. */
    chainwork: u256,
    /** Smallest header time of a block on this one, in Unix seconds: max(median time past + 1, the period rule), or what a server says. */
    minNtime: u32,
    /** Compact target of a block on this one; 0 where only the node can tell (retarget, a test network's special rule). */
    nextNbits: u32,
    /** When the news reached the provider, in Unix microseconds. */
    seenAtMicros: u64,
  }) as const;

const withHeader = payload('TipNews', 1, group(fields(fixed(80))));
const current = payload('TipNews', 2, group(fields(headerOrNone())));

/** Version 1 of a provider that is not updated yet is read as well: it has always a header. */
export const TipNews: Payload<PayloadValue<typeof current>> = {
  ...current,
  decode: (bytesIn) => (bytesIn[0] === withHeader.version ? withHeader.decode(bytesIn) : current.decode(bytesIn)),
};
export type TipNews = PayloadValue<typeof TipNews>;

function headerOrNone(): Field<Uint8Array> {
  const checked = (header: Uint8Array) => {
    if (header.length === 0 || header.length === 80) return header;
    throw new BusError('bus-bad-payload', `a header of ${header.length} bytes`);
  };
  return {
    name: '80 bytes or none, behind their number',
    write: (out, value) => bytes.write(out, checked(value)),
    read: (input) => checked(bytes.read(input)),
  };
}
