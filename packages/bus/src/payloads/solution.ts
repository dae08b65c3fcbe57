// A header that meets the network target, with all that a provider needs to assemble and submit the block, and what nodes said to it.
import { bytes, fixed, group, hash32, type PayloadValue, payload, text, u32, u64 } from '../payload-codec.ts';

export const Solution = payload(
  'Solution',
  1,
  group({
    /** Block hash, wire order: the key of the solution. */
    hash: hash32,
    jobId: u32,
    /** Whose template the job was built from; empty with `templateId` 0: coinbase only. */
    provider: text,
    templateId: u64,
    header: fixed(80),
    /** The whole coinbase transaction, with its witness. */
    coinbase: bytes,
    identity: text,
    worker: text,
    incarnation: u64,
    foundAtMicros: u64,
  }),
);
export type Solution = PayloadValue<typeof Solution>;

export const SolutionResult = payload(
  'SolutionResult',
  1,
  group({
    hash: hash32,
    provider: text,
    /** Name of the node that was asked. */
    node: text,
    /** The node's word (BIP22); empty: accepted. */
    answer: text,
    atMicros: u64,
  }),
);
export type SolutionResult = PayloadValue<typeof SolutionResult>;
