// A node's active tip has become this block: published at the first news, before any template of the new height exists.
import { fixed, group, hash32, type PayloadValue, payload, text, u32, u64, u256 } from '../payload-codec.ts';

export const TipNews = payload(
  'TipNews',
  1,
  group({
    /** Name of the template-provider. */
    provider: text,
    /** Block hash, wire order. */
    hash: hash32,
    header: fixed(80),
    height: u32,
    /** Expected hashes to reproduce the chain up to and with this block. */
    chainwork: u256,
    /** Smallest header time of a block on this one, in Unix seconds: max(median time past + 1, the period rule). */
    minNtime: u32,
    /** Compact target of a block on this one; 0 where only the node can tell (retarget, a test network's special rule). */
    nextNbits: u32,
    /** When the news reached the provider, in Unix microseconds. */
    seenAtMicros: u64,
  }),
);
export type TipNews = PayloadValue<typeof TipNews>;
