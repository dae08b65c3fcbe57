// Templates and tips as a Template Distribution server tells them, of a coinbase alone.
import { emptyTemplate } from '@sluice/mining/build-job';
import type { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import type { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import { TIME } from './told-work.ts';

export const HEIGHT = 840_000;
/** Every second hash is a block. */
export const REGTEST_NBITS = 0x207f_ffff;
/** Of a payout, to nobody. */
export const SCRIPT = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(0x77));

export function newTemplate(id: number, changes: Partial<NewTemplate> = {}, height = HEIGHT): NewTemplate {
  const template = emptyTemplate(height, 'regtest');
  return {
    templateId: BigInt(id),
    futureTemplate: true,
    version: 0x2000_0000,
    coinbaseTxVersion: template.coinbaseTxVersion,
    coinbasePrefix: template.coinbasePrefix,
    coinbaseTxInputSequence: template.coinbaseSequence,
    coinbaseTxValueRemaining: 312_500_000n,
    coinbaseTxOutputsCount: template.coinbaseOutputsCount,
    coinbaseTxOutputs: template.coinbaseOutputs,
    coinbaseTxLocktime: template.coinbaseLocktime,
    merklePath: [],
    ...changes,
  };
}

export function newBlock(
  templateId: number,
  block: number,
  changes: Partial<TemplateSetNewPrevHash> = {},
): TemplateSetNewPrevHash {
  return {
    ...{ templateId: BigInt(templateId), prevHash: new Uint8Array(32).fill(block), headerTimestamp: TIME },
    ...{ nBits: REGTEST_NBITS, target: new Uint8Array(32).fill(0xff) },
    ...changes,
  };
}
