// Templates as a server tells them, with real transactions in them.
import { encodeHeightPush, encodeOutput, witnessCommitment, witnessCommitmentScript } from '@sluice/bitcoin/coinbase';
import { coinbaseMerklePath } from '@sluice/bitcoin/merkle';
import { subsidy } from '@sluice/bitcoin/network';
import { compactSize, concatBytes, u32, u64 } from '@sluice/bitcoin/serialize';
import { decodeTransaction } from '@sluice/bitcoin/transaction';
import type { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import type { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';

export const EASY_NBITS = 0x207fffff;
export const HEIGHT = 101;
export const TIME = 1_700_000_000;
export const hash = (fill: number) => new Uint8Array(32).fill(fill);

/** A transaction as BIP144 serializes it; each `fill` makes another one. */
export function transaction(fill: number, { witness = true, padding = 0 } = {}): Uint8Array {
  return concatBytes(
    u32(2),
    witness ? Uint8Array.of(0, 1) : new Uint8Array(0),
    ...[Uint8Array.of(1), hash(fill), u32(0), Uint8Array.of(0), u32(0xffff_fffd)],
    ...[Uint8Array.of(1), u64(1_000n), Uint8Array.of(1, 0x51)],
    witness
      ? concatBytes(Uint8Array.of(1), compactSize(40 + padding), new Uint8Array(40 + padding))
      : new Uint8Array(0),
    u32(0),
  );
}

export function newTemplate(
  id: number,
  transactions: readonly Uint8Array[] = [],
  changes: Partial<NewTemplate> & { readonly height?: number } = {},
): NewTemplate {
  const { height = HEIGHT, ...rest } = changes;
  const read = transactions.map((bytes) => decodeTransaction(bytes)!);
  const commitment = witnessCommitmentScript(witnessCommitment(read.map(({ wtxid }) => wtxid)));
  return {
    templateId: BigInt(id),
    futureTemplate: false,
    version: 0x2000_0000,
    coinbaseTxVersion: 2,
    coinbasePrefix: encodeHeightPush(height),
    coinbaseTxInputSequence: 0xffff_fffe,
    coinbaseTxValueRemaining: subsidy(height, 'regtest') + BigInt(transactions.length),
    coinbaseTxOutputsCount: 1,
    coinbaseTxOutputs: encodeOutput({ value: 0n, script: commitment }),
    coinbaseTxLocktime: height - 1,
    merklePath: coinbaseMerklePath(read.map(({ txid }) => txid)),
    ...rest,
  };
}

export const newTip = (templateId: number, changes: Partial<TemplateSetNewPrevHash> = {}): TemplateSetNewPrevHash => ({
  templateId: BigInt(templateId),
  prevHash: hash(1),
  headerTimestamp: TIME,
  nBits: EASY_NBITS,
  target: hash(0x7f),
  ...changes,
});
