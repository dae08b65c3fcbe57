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
    /** The node's word (BIP22), or one of `providerWords`; empty: accepted. */
    answer: text,
    atMicros: u64,
  }),
);
export type SolutionResult = PayloadValue<typeof SolutionResult>;

/** Answers that are the provider's own: no node said them. */
export const providerWords = {
  /** Kept, and not answered yet: ask again. Never stored. */
  pending: 'pending',
  /** No provider that could be asked holds the transactions of the template. */
  templateUnknown: 'template-unknown',
  /** A server that gives templates takes back solutions of its own ones only: another node has to make this block. */
  notItsTemplate: 'not-its-template',
  /** The hash does not meet the header's own target. */
  noWork: 'no-proof-of-work',
  /** The header's target is easier than the one that blocks on its parent have. */
  easyTarget: 'target-too-easy',
  /** Behind an `inconclusive`: the block has not come into the node's active chain. */
  notInChain: 'not-in-active-chain',
} as const;
