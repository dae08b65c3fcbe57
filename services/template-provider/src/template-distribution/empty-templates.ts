// Blocks of the coinbase alone: what clients can work on from the first news of a tip until the node has made its template. Only valid
// where the news says everything that else the node alone could: the same rules as those of the pool's prepared jobs.
import { decodeHeader } from '@sluice/bitcoin/header';
import { mayChangeBits, type Network } from '@sluice/bitcoin/network';
import { equalBytes } from '@sluice/bitcoin/serialize';
import type { Template } from '@sluice/bus/payloads/template';
import { emptyTemplate } from '@sluice/mining/build-job';
import type { TipNews } from '../node-source.ts';

/** BIP9's marker, no deployment signalled: where no template has told a version yet. */
export const DEFAULT_VERSION = 0x2000_0000;

/** Whether `next` is the block right above `tip`, as far as it is known, and says what its child's target is. */
export function follows(next: TipNews, tip: TipNews): boolean {
  const isChild = next.header === undefined || equalBytes(decodeHeader(next.header).prevHash, tip.hash);
  return isChild && next.height === tip.height + 1 && next.nextNbits !== 0;
}

/** Whether a template for the block above the next one can ever be of use: not where the node alone can tell its target. */
export const canBeAhead = (tip: TipNews, network: Network): boolean => !mayChangeBits(tip.height + 2, network);

/** The template for the block above the next one, whose parent is not known yet. */
export function templateAhead(tip: TipNews, version: number, network: Network): Template {
  return {
    ...rest,
    ...emptyTemplate(tip.height + 2, network),
    height: tip.height + 2,
    version,
    prevHash: tip.hash,
    chainwork: tip.chainwork,
    nbits: 0,
    minNtime: tip.minNtime,
    curtime: tip.minNtime,
  };
}

/** A template that was made ahead, now that its parent is known. */
export const onTip = (ahead: Template, tip: TipNews): Template => ({
  ...ahead,
  prevHash: tip.hash,
  chainwork: tip.chainwork,
  nbits: tip.nextNbits,
  minNtime: tip.minNtime,
  curtime: tip.minNtime,
});

const rest = {
  provider: '',
  templateId: 0n,
  merklePath: [],
  transactionCount: 0,
  fees: 0n,
  weight: 0,
  sigopsCost: 0,
} as const;
