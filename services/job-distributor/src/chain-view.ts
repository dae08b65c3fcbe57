// What the providers say about the chain: the best tip, and each provider's newest template on it. Pure. Most chainwork wins, where one
// is unknown the greater height; ties stay with the first, and the tip never goes back: a node that was left behind changes nothing here.
import { isBetterTip } from '@sluice/bitcoin/chain-tip';
import type { Template } from '@sluice/bus/payloads/template';
import type { TipNews } from '@sluice/bus/payloads/tip-news';

/** Templates of more providers than this are not kept: the bound of a pool's providers. */
export const MAX_PROVIDERS = 64;

/** The best tip as far as it is known: from its header when a provider told it, else from the template that stands on it. */
export interface BestTip {
  readonly hash: Uint8Array;
  /** 0: unknown. */
  readonly chainwork: bigint;
  /** Of the tip itself. */
  readonly height: number;
  /** Hash of the block before; unknown unless the header was told. */
  readonly parent: Uint8Array | undefined;
  /** For a block on this tip, as told with the tip; 0: only a template can tell. */
  readonly nextNbits: number;
  readonly minNtime: number;
  /** Unix microseconds. */
  readonly seenAtMicros: bigint;
}

const PREV_HASH_START = 4;
const PREV_HASH_END = 36;

export class ChainView {
  #best: BestTip | undefined;
  /** On the best tip. */
  readonly #templates = new Map<string, Template>();
  /** News that changed nothing because another tip is as good or better. */
  outpaced = 0;

  get best(): BestTip | undefined {
    return this.#best;
  }

  /** True: something is new. */
  onTip(news: TipNews): boolean {
    const parent = news.header.length === 0 ? undefined : news.header.slice(PREV_HASH_START, PREV_HASH_END);
    const { hash, chainwork, height, nextNbits, minNtime, seenAtMicros } = news;
    return this.#offer({ hash, chainwork, height, parent, nextNbits, minNtime, seenAtMicros });
  }

  /** True: something is new. A template of an older tip is left out. */
  onTemplate(template: Template, nowMicros: bigint): boolean {
    const tipIsNew = this.#offer({
      hash: template.prevHash,
      chainwork: template.chainwork,
      height: template.height - 1,
      parent: undefined,
      nextNbits: 0,
      minNtime: template.minNtime,
      seenAtMicros: nowMicros,
    });
    if (this.#best === undefined || !sameHash(template.prevHash, this.#best.hash)) return tipIsNew;
    const before = this.#templates.get(template.provider);
    if (before !== undefined && before.templateId >= template.templateId) return tipIsNew;
    if (before === undefined && this.#templates.size >= MAX_PROVIDERS) return tipIsNew;
    // Behind the others: the last of the map is the one that came last.
    this.#templates.delete(template.provider);
    this.#templates.set(template.provider, template);
    return true;
  }

  #offer(tip: BestTip): boolean {
    const best = this.#best;
    if (best !== undefined && sameHash(best.hash, tip.hash)) {
      // What a template, or a server without the header, could not tell of the tip before.
      const parent = best.parent ?? tip.parent;
      const nextNbits = best.nextNbits === 0 ? tip.nextNbits : best.nextNbits;
      const chainwork = best.chainwork === 0n ? tip.chainwork : best.chainwork;
      this.#best = { ...best, parent, nextNbits, chainwork };
      return parent !== best.parent || nextNbits !== best.nextNbits;
    }
    if (best !== undefined && !isBetterTip(tip, best)) {
      this.outpaced++;
      return false;
    }
    this.#best = tip;
    this.#templates.clear();
    return true;
  }

  /**
   * The template that pays most on the best tip, of equals the newest; undefined: there is none yet. Where the target may change with
   * the time, only templates with the target of the latest time count.
   */
  bestTemplate(): Template | undefined {
    let latest: Template | undefined;
    for (const template of this.#templates.values()) {
      if (latest === undefined || template.curtime >= latest.curtime) latest = template;
    }
    let found = latest;
    for (const template of this.#templates.values()) {
      if (template.nbits !== latest?.nbits) continue;
      if (found === undefined || template.coinbaseValue >= found.coinbaseValue) found = template;
    }
    return found;
  }
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
