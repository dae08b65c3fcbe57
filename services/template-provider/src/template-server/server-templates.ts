// What one connection to a Template Distribution server tells: a tip is news at once, a template when its transactions are here and right.
// Methods that return a string have found the server out of order.
import { decodeHeightPush } from '@sluice/bitcoin/coinbase';
import { type Network, networkParameters, subsidy } from '@sluice/bitcoin/network';
import { equalBytes } from '@sluice/bitcoin/serialize';
import { compactToTarget } from '@sluice/bitcoin/target';
import type { NewTemplate } from '@sluice/sv2/messages/template-distribution/new-template';
import type { RequestTransactionDataError } from '@sluice/sv2/messages/template-distribution/request-transaction-data-error';
import type { RequestTransactionDataSuccess } from '@sluice/sv2/messages/template-distribution/request-transaction-data-success';
import type { TemplateSetNewPrevHash } from '@sluice/sv2/messages/template-distribution/set-new-prev-hash';
import type { TipNews } from '../node-source.ts';
import type { CoinbaseReserve, PreparedTemplate } from '../prepare-template.ts';
import { type CheckedTransactions, checkTransactions } from './check-transactions.ts';
import type { KnownTips } from './known-tips.ts';
import type { ToldWork } from './told-work.ts';
import { TransactionRequests } from './transaction-requests.ts';

/** Templates that may still be named or offered; the one told first goes at the bound. */
export const TEMPLATES_BOUND = 16;
/** A block of the coinbase alone that comes with a tip is for the moments until the server has a fuller one, which miners are spared. */
export const HOLD_BACK_MS = 1_000;
/** From the constraints, or a new tip, to a template that can be worked on. */
export const TEMPLATE_DEADLINE_MS = 10_000;
/** Of `coinbase_prefix` [sv2 7.2]. */
const MAX_PREFIX_BYTES = 8;

export interface ServerTemplatesOptions {
  readonly network: Network;
  /** As the server was asked for. */
  readonly reserve: CoinbaseReserve;
}

export interface ServerTemplatesModules {
  /** Of the server, over its connections. */
  readonly work: ToldWork;
  readonly tips: KnownTips;
  /** Unix milliseconds. */
  now(): number;
  requestTransactions(templateId: bigint): void;
  onTip(news: TipNews): void;
  onTemplate(template: PreparedTemplate): void;
  /** No template that can be worked on, in words. */
  onNoTemplate(detail: string): void;
  /** The server does not answer. */
  onOverdue(): void;
}

interface Told {
  readonly template: NewTemplate;
  /** Of the block that the template is for. */
  readonly height: number;
  isActive: boolean;
  /** `forgotten`: they were here, and are asked for again when they are needed. */
  transactions: CheckedTransactions | 'awaited' | 'refused' | 'forgotten';
}

interface Tip extends Omit<TemplateSetNewPrevHash, 'templateId' | 'target'> {
  /** Of a block on it. */
  readonly height: number;
}

export class ServerTemplates {
  readonly #options: ServerTemplatesOptions;
  readonly #modules: ServerTemplatesModules;
  readonly #requests: TransactionRequests;
  /** In order of their ids. */
  readonly #told = new Map<bigint, Told>();
  #tip: Tip | undefined;
  #lastId = 0n;
  #offeredId = 0n;
  #heldBack: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(options: ServerTemplatesOptions, modules: ServerTemplatesModules) {
    this.#options = options;
    this.#modules = modules;
    this.#requests = new TransactionRequests({
      ask: (templateId) => modules.requestTransactions(templateId),
      onOverdue: () => modules.onOverdue(),
    });
    this.#expectTemplate();
  }

  /** Templates that are held. */
  get size(): number {
    return this.#told.size;
  }

  stop(): void {
    clearTimeout(this.#heldBack);
    clearTimeout(this.#deadline);
    this.#requests.stop();
  }

  newTemplate(template: NewTemplate): string | undefined {
    const { templateId, futureTemplate, coinbasePrefix } = template;
    if (templateId <= this.#lastId) return 'template_id does not grow';
    this.#lastId = templateId;
    const height = coinbasePrefix.length > MAX_PREFIX_BYTES ? undefined : decodeHeightPush(coinbasePrefix);
    if (height === undefined || height === 0) return 'coinbase_prefix does not begin with a height';
    if (!futureTemplate && height !== this.#tip?.height) return 'an active template that is not for the present tip';
    const told: Told = { template, height, isActive: !futureTemplate, transactions: 'awaited' };
    this.#told.set(templateId, told);
    const [oldest] = this.#told.keys();
    if (this.#told.size > TEMPLATES_BOUND && oldest !== undefined) this.#told.delete(oldest);
    if (this.#tip !== undefined && told.isActive) this.#remember(told, this.#tip);
    if (isEmpty(told)) this.#check(told, []);
    else this.#requests.want(templateId);
    this.#offer(told);
    return undefined;
  }

  setNewPrevHash({ templateId, prevHash, headerTimestamp, nBits }: TemplateSetNewPrevHash): string | undefined {
    const told = this.#told.get(templateId);
    if (told === undefined) return 'a template that was not told';
    if (!isTarget(nBits)) return 'nBits is no target';
    const { height } = told;
    const isNew = this.#tip === undefined || !equalBytes(prevHash, this.#tip.prevHash);
    if (!isNew && height !== this.#tip?.height) return 'the same tip with another height';
    this.#tip = { prevHash, headerTimestamp, nBits, height };
    this.#offeredId = 0n;
    clearTimeout(this.#heldBack);
    // Every other template was for another block.
    this.#told.clear();
    this.#told.set(templateId, told);
    told.isActive = true;
    this.#remember(told, this.#tip);
    if (isNew) this.#tellTip(this.#tip);
    if (told.transactions === 'forgotten') {
      told.transactions = 'awaited';
      this.#requests.want(templateId);
    }
    if (isNew && isEmpty(told)) this.#heldBack = setTimeout(() => this.#offer(told), HOLD_BACK_MS);
    else this.#offer(told);
    return undefined;
  }

  /** The transactions are only read during the call. */
  transactions({ templateId, transactionList }: RequestTransactionDataSuccess): string | undefined {
    if (!this.#requests.answered(templateId)) return 'nobody asked';
    const told = this.#told.get(templateId);
    if (told === undefined) return undefined;
    this.#check(told, transactionList);
    this.#offer(told);
    return undefined;
  }

  /** The template was replaced before the question came to the server: another one is on its way. */
  noTransactions({ templateId }: RequestTransactionDataError): string | undefined {
    return this.#requests.answered(templateId) ? undefined : 'nobody asked';
  }

  #remember({ template }: Told, { prevHash }: Tip): void {
    this.#modules.work.add(template.templateId, { prevHash, merklePath: template.merklePath });
  }

  #tellTip({ prevHash, headerTimestamp, nBits, height }: Tip): void {
    const { minimumDifficultyBlocks } = networkParameters[this.#options.network];
    this.#modules.tips.add(prevHash);
    this.#modules.onTip({
      hash: prevHash,
      height: height - 1,
      chainwork: 0n,
      minNtime: headerTimestamp,
      // Where a later block may be easier, the target is that of this time alone.
      nextNbits: minimumDifficultyBlocks ? 0 : nBits,
      seenAtMicros: BigInt(Math.round(this.#modules.now() * 1_000)),
    });
    this.#expectTemplate();
  }

  #expectTemplate(): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(
      () => this.#modules.onNoTemplate(`no template for ${TEMPLATE_DEADLINE_MS / 1_000} s`),
      TEMPLATE_DEADLINE_MS,
    );
  }

  #check(told: Told, transactions: readonly Uint8Array[]): void {
    const checked = checkTransactions(told.template, transactions, this.#options.reserve);
    if (typeof checked === 'string') {
      told.transactions = 'refused';
      this.#modules.onNoTemplate(`a template of height ${told.height}: ${checked}`);
      return;
    }
    // Megabytes are held of the newest future template alone, which is the one that will be named.
    if (!told.isActive)
      for (const other of this.#told.values())
        if (!other.isActive && typeof other.transactions === 'object') other.transactions = 'forgotten';
    told.transactions = checked;
  }

  /** What is newer than what was offered on this tip, when it is complete. */
  #offer(told: Told): void {
    const { template, isActive, transactions } = told;
    if (!isActive || this.#tip === undefined || typeof transactions !== 'object') return;
    if (template.templateId <= this.#offeredId || this.#told.get(template.templateId) !== told) return;
    this.#offeredId = template.templateId;
    told.transactions = 'forgotten';
    for (const [templateId, { isActive: isOlder }] of this.#told)
      if (isOlder && templateId < template.templateId) this.#told.delete(templateId);
    clearTimeout(this.#deadline);
    this.#modules.onTemplate(this.#prepared(told, this.#tip, transactions));
  }

  #prepared({ template, height }: Told, tip: Tip, checked: CheckedTransactions): PreparedTemplate {
    const { network } = this.#options;
    const fees = template.coinbaseTxValueRemaining - subsidy(height, network);
    const now = Math.max(Math.floor(this.#modules.now() / 1_000), tip.headerTimestamp);
    return {
      height,
      prevHash: tip.prevHash,
      version: template.version,
      nbits: tip.nBits,
      minNtime: tip.headerTimestamp,
      currentTime: networkParameters[network].minimumDifficultyBlocks ? tip.headerTimestamp : now,
      coinbaseTxVersion: template.coinbaseTxVersion,
      coinbasePrefix: template.coinbasePrefix,
      coinbaseSequence: template.coinbaseTxInputSequence,
      coinbaseValue: template.coinbaseTxValueRemaining,
      coinbaseOutputsCount: template.coinbaseTxOutputsCount,
      coinbaseOutputs: template.coinbaseTxOutputs,
      coinbaseLocktime: template.coinbaseTxLocktime,
      merklePath: template.merklePath,
      fees: fees > 0n ? fees : 0n,
      // The server does not say.
      sigopsCost: 0,
      ...checked,
    };
  }
}

const isEmpty = ({ template }: Told): boolean => template.merklePath.length === 0;

function isTarget(nbits: number): boolean {
  try {
    return compactToTarget(nbits) > 0n;
  } catch {
    return false;
  }
}
