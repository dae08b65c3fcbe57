// A block made from a template the way the pool does, with every part open to be made wrong.
import { assembleBlock, blockHash } from '@sluice/bitcoin/block';
import { buildCoinbase, coinbaseTxid, witnessCoinbase } from '@sluice/bitcoin/coinbase';
import { type BlockHeader, encodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { concatBytes } from '@sluice/bitcoin/serialize';
import { compactToTarget, targetFromBytes } from '@sluice/bitcoin/target';
import type { PreparedTemplate } from '../../src/prepare-template.ts';
import { decodeTemplateBody } from '../../src/template-body.ts';

export interface Wrongs {
  readonly coinbase?: Partial<Parameters<typeof buildCoinbase>[0]>;
  readonly header?: Partial<BlockHeader>;
  readonly transactions?: (bodies: Uint8Array[]) => Uint8Array[];
  readonly witness?: (coinbase: Uint8Array) => Uint8Array;
  readonly merklePath?: readonly Uint8Array[];
  /** A hash above the target instead of one that meets it. */
  readonly withoutWork?: boolean;
}

export const PAYOUT = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(9));

export function blockOfTemplate(template: PreparedTemplate, wrongs: Wrongs = {}): Uint8Array {
  const { prefix, suffix } = buildCoinbase({
    version: template.coinbaseTxVersion,
    coinbasePrefix: template.coinbasePrefix,
    tag: Buffer.from('test'),
    extranonceSize: 20,
    sequence: template.coinbaseSequence,
    locktime: template.coinbaseLocktime,
    outputs: [{ value: template.coinbaseValue, script: PAYOUT }],
    trailingOutputs: { count: template.coinbaseOutputsCount, bytes: template.coinbaseOutputs },
    ...wrongs.coinbase,
  });
  const coinbase = concatBytes(prefix, new Uint8Array(20).fill(5), suffix);
  const fields: BlockHeader = {
    version: template.version,
    prevHash: template.prevHash,
    merkleRoot: foldMerklePath(coinbaseTxid(coinbase), wrongs.merklePath ?? template.merklePath),
    ntime: Math.max(template.minNtime, template.currentTime),
    nbits: template.nbits,
    nonce: 0,
    ...wrongs.header,
  };
  const bodies = decodeTemplateBody(template.body)!;
  return assembleBlock(
    mined(fields, wrongs.withoutWork ?? false),
    (wrongs.witness ?? witnessCoinbase)(coinbase),
    wrongs.transactions?.(bodies) ?? bodies,
  );
}

function mined(fields: BlockHeader, withoutWork: boolean): Uint8Array {
  const target = compactToTarget(fields.nbits);
  for (let nonce = 0; ; nonce += 1) {
    const header = encodeHeader({ ...fields, nonce });
    if (targetFromBytes(blockHash(header)) <= target !== withoutWork) return header;
  }
}
