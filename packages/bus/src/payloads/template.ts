// A template in the shape of Template Distribution's NewTemplate + SetNewPrevHash, and the transactions that belong to it.
import {
  bytes,
  group,
  hash32,
  list,
  type Payload,
  type PayloadValue,
  payload,
  text,
  u32,
  u64,
  u256,
} from '../payload-codec.ts';

const fields = {
  /** Name of the template-provider. */
  provider: text,
  /** Only grows for one provider, over its restarts too. */
  templateId: u64,
  height: u32,
  /** Hash of the block it stands on, wire order. */
  prevHash: hash32,
  /** Work of the chain up to and with `prevHash`. */
  chainwork: u256,
  version: u32,
  nbits: u32,
  /** Smallest header time, in Unix seconds. */
  minNtime: u32,
  /** The node's time, in Unix seconds. */
  curtime: u32,
  coinbaseTxVersion: u32,
  /** What the scriptSig must begin with: the BIP34 height push. */
  coinbasePrefix: bytes,
  coinbaseSequence: u32,
  /** Satoshis left for the pool's own outputs: subsidy and fees. */
  coinbaseValue: u64,
  /** Outputs that must stand behind the pool's own (the witness commitment), and their number. */
  coinbaseOutputsCount: u32,
  coinbaseOutputs: bytes,
  coinbaseLocktime: u32,
  /** From the coinbase up: hashes in wire order. */
  merklePath: list(hash32),
  /** Without the coinbase. */
  transactionCount: u32,
  /** Satoshis. */
  fees: u64,
  /** Weight units of the transactions, without the coinbase. */
  weight: u32,
} as const;

const withoutSigops = payload('Template', 1, group(fields));
const current = payload(
  'Template',
  2,
  group({
    ...fields,
    /** Signature operation cost of the transactions as BIP141 counts it, without the coinbase. */
    sigopsCost: u32,
  }),
);

/** Version 1 of a provider that is not updated yet is read as well: its `sigopsCost` is 0, unknown. */
export const Template: Payload<PayloadValue<typeof current>> = {
  ...current,
  decode: (bytesIn) =>
    bytesIn[0] === withoutSigops.version
      ? { ...withoutSigops.decode(bytesIn), sigopsCost: 0 }
      : current.decode(bytesIn),
};
export type Template = PayloadValue<typeof Template>;

/** Another provider asks for the transactions of a template, piece by piece, so that it too can assemble the block. */
export const TemplateBodyRequest = payload('TemplateBodyRequest', 1, group({ templateId: u64, offset: u32 }));
export type TemplateBodyRequest = PayloadValue<typeof TemplateBodyRequest>;

export const TemplateBodyPiece = payload(
  'TemplateBodyPiece',
  1,
  group({
    /** Bytes of the whole body; 0: it is not kept here. */
    total: u32,
    /** From the offset asked for, at most 512 KiB. */
    data: bytes,
  }),
);
export type TemplateBodyPiece = PayloadValue<typeof TemplateBodyPiece>;
