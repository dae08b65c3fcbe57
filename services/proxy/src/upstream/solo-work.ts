// What a Template Distribution server has told on one connection [sv2 7], as work of the farm: the coinbase is made here, all of its value goes to one
// output, and a share for the upstream is a block. No socket in here. A string that is returned says how the server is out of order.
import { coinbaseTxid, decodeHeightPush, encodeOutput, witnessCoinbase } from '@sluice/bitcoin/coinbase';
import { sha256d } from '@sluice/bitcoin/hash';
import { encodeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { type Network, networkParameters } from '@sluice/bitcoin/network';
import { scriptSigops } from '@sluice/bitcoin/script';
import { concatBytes } from '@sluice/bitcoin/serialize';
import { compactToTarget } from '@sluice/bitcoin/target';
import { decodeOutputs } from '@sluice/bitcoin/transaction';
import type { CoinbaseConstraints } from '@sluice/client/template-connection';
import { buildJobCoinbase } from '@sluice/mining/build-job';
import { FULL_EXTRANONCE_SIZE } from '@sluice/mining/extranonce';
import { shareTarget } from '@sluice/mining/share-target';
import type { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import type { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import { isNetworkTarget } from './network-target.ts';
import type { FoundBlock } from './solo-blocks.ts';
import type { UpstreamLink, UpstreamShare, UpstreamWork } from './upstream-work.ts';

/** Templates that may still be named; the one told first goes at the bound. */
export const TEMPLATES_BOUND = 16;
/** Random bytes at the start of the extranonce: no two connections, nor two proxies on one node, search the same headers. */
export const SOLO_PREFIX_SIZE = 8;
/** Of `coinbase_prefix` [sv2 7.2]. */
const PREFIX_BOUND = 8;
/** What blocks are signed with. */
const TAG = Buffer.from('/Sluice/');

/** Whom the blocks pay. */
export interface SoloPayout {
  /** Output script. */
  readonly script: Uint8Array;
  readonly network: Network;
}

interface Template {
  readonly message: NewTemplate;
  /** Of the block that it is for. */
  readonly height: number;
}

interface Tip {
  readonly prevHash: Uint8Array;
  readonly nbits: number;
  /** Unix seconds. */
  readonly headerTimestamp: number;
  /** Of the monotonic clock. */
  readonly toldMs: number;
  /** Of a block on it. */
  readonly height: number;
}

export class SoloWork {
  readonly #link: UpstreamLink;
  readonly #payout: SoloPayout;
  readonly #extranoncePrefix: Uint8Array;
  /** In order of their ids. */
  readonly #templates = new Map<bigint, Template>();
  /** For as long as somebody works on it. */
  readonly #templateOf = new WeakMap<UpstreamWork, Template>();
  #lastTemplateId = 0n;
  #lastJobId = 0;
  #tip: Tip | undefined;
  #work: UpstreamWork | undefined;

  /** @param extranoncePrefix `SOLO_PREFIX_SIZE` bytes. */
  constructor(link: UpstreamLink, payout: SoloPayout, extranoncePrefix: Uint8Array) {
    this.#link = link;
    this.#payout = payout;
    this.#extranoncePrefix = extranoncePrefix;
  }

  /** What to work on; `undefined` before the first tip. */
  get work(): UpstreamWork | undefined {
    return this.#work;
  }

  /** A future template waits; any other is the work from now on. @param nowMs of the monotonic clock. */
  addTemplate(message: NewTemplate, nowMs: number): string | undefined {
    const { templateId, futureTemplate, coinbasePrefix, coinbaseTxOutputs, coinbaseTxOutputsCount } = message;
    if (templateId <= this.#lastTemplateId) return 'template_id does not grow';
    this.#lastTemplateId = templateId;
    const height = coinbasePrefix.length > PREFIX_BOUND ? undefined : decodeHeightPush(coinbasePrefix);
    if (height === undefined) return 'coinbase_prefix does not begin with a height';
    if (decodeOutputs(coinbaseTxOutputs, coinbaseTxOutputsCount) === undefined)
      return 'coinbase_tx_outputs are not so many outputs';
    const tip = this.#tip;
    if (!futureTemplate && height !== tip?.height) return 'an active template that is not for the present tip';
    const template = { message, height };
    this.#templates.set(templateId, template);
    const [oldest] = this.#templates.keys();
    if (this.#templates.size > TEMPLATES_BOUND && oldest !== undefined) this.#templates.delete(oldest);
    if (!futureTemplate && tip !== undefined) this.#use(template, tip, nowMs);
    return undefined;
  }

  /** A new tip: the template that it names is the work, all others are void. @param nowMs of the monotonic clock. */
  setNewPrevHash(message: TemplateSetNewPrevHash, nowMs: number): string | undefined {
    const { templateId, prevHash, nBits, headerTimestamp } = message;
    const template = this.#templates.get(templateId);
    this.#templates.clear();
    if (template === undefined) return 'names a template that was not sent';
    if (!isNetworkTarget(nBits)) return 'nBits is no target';
    const { network } = this.#payout;
    if (compactToTarget(nBits) > compactToTarget(networkParameters[network].powLimit))
      return `a target that ${network} does not have: the payout is for another network`;
    this.#templates.set(templateId, template);
    this.#tip = { prevHash, nbits: nBits, headerTimestamp, toldMs: nowMs, height: template.height };
    this.#use(template, this.#tip, nowMs);
    return undefined;
  }

  /** What a share that is a block is told to the server with; `undefined` for work of another connection. */
  blockOf({ work, extranonce, nonce, ntime, version }: UpstreamShare): FoundBlock | undefined {
    const template = this.#templateOf.get(work);
    if (template === undefined) return undefined;
    const { prevHash, nbits, merklePath, coinbasePrefix, coinbaseSuffix } = work;
    const coinbase = concatBytes(coinbasePrefix, extranonce, coinbaseSuffix);
    const merkleRoot = foldMerklePath(coinbaseTxid(coinbase), merklePath);
    return {
      hash: sha256d(encodeHeader({ version, prevHash, merkleRoot, ntime, nbits, nonce })),
      prevHash,
      height: template.height,
      solution: {
        templateId: template.message.templateId,
        version,
        headerTimestamp: ntime,
        headerNonce: nonce,
        coinbaseTx: witnessCoinbase(coinbase),
      },
    };
  }

  #use(template: Template, tip: Tip, nowMs: number): void {
    const { message } = template;
    const { prevHash, nbits } = tip;
    this.#lastJobId = (this.#lastJobId + 1) >>> 0;
    const { coinbasePrefix, coinbaseSuffix } = buildJobCoinbase(
      {
        coinbaseTxVersion: message.coinbaseTxVersion,
        coinbasePrefix: message.coinbasePrefix,
        coinbaseSequence: message.coinbaseTxInputSequence,
        coinbaseValue: message.coinbaseTxValueRemaining,
        coinbaseOutputsCount: message.coinbaseTxOutputsCount,
        coinbaseOutputs: message.coinbaseTxOutputs,
        coinbaseLocktime: message.coinbaseTxLocktime,
      },
      this.#lastJobId,
      { payouts: [{ script: this.#payout.script, weight: 1 }], tag: TAG },
    );
    this.#work = {
      link: this.#link,
      jobId: this.#lastJobId,
      version: message.version,
      versionRollingAllowed: true,
      ...{ prevHash, nbits, minNtime: this.#headerTime(tip, nowMs) },
      coinbasePrefix: concatBytes(coinbasePrefix, this.#extranoncePrefix),
      coinbaseSuffix,
      merklePath: message.merklePath,
      extranonceSize: FULL_EXTRANONCE_SIZE - SOLO_PREFIX_SIZE,
      target: shareTarget(compactToTarget(nbits)),
    };
    this.#templateOf.set(this.#work, template);
  }

  /** Goes on from the server's time, but where the target depends on it. */
  #headerTime({ headerTimestamp, toldMs }: Tip, nowMs: number): number {
    if (networkParameters[this.#payout.network].minimumDifficultyBlocks) return headerTimestamp;
    return Math.min(headerTimestamp + Math.floor((nowMs - toldMs) / 1_000), 0xffff_ffff);
  }
}

/** The room that the output of a payout takes. */
export function constraintsOf({ script }: SoloPayout): CoinbaseConstraints {
  return { outputsSize: encodeOutput({ value: 0n, script }).length, outputsSigops: scriptSigops(script) };
}
