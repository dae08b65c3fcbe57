// A chain of one's own behind the interface of a node: real headers, coinbases and merkle trees, blocks by somebody else on a
// clock or on command, and every submitted block held to the rules of check-block.ts. It lives in memory: a new start is a new
// chain, which claims more work than any begun before it, so that whoever compares chain work moves over to it.
import { decodeBlock } from '@sluice/bitcoin/block';
import { encodeHeader } from '@sluice/bitcoin/header';
import { type Network, subsidy } from '@sluice/bitcoin/network';
import { compactToTarget } from '@sluice/bitcoin/target';
import { type Clock, unixMicros, unixSeconds } from '@sluice/runtime/clock';
import type { BlockTemplate, TemplateTransaction } from '../block-template.ts';
import type { NodeListener, NodeSource, SubmitAnswer, TipOrigin } from '../node-source.ts';
import { type CoinbaseReserve, fittingCount, type PreparedTemplate, prepareTemplate } from '../prepare-template.ts';
import { BlockIndex, chainworkOn, type IndexedBlock, minimumTimeOn, wayBetween } from './block-index.ts';
import {
  checkBlock,
  checkHeaderOn,
  checkTransactionsOn,
  coinbaseValue,
  hasWork,
  MAX_BLOCK_SIGOPS_COST,
  MAX_BLOCK_WEIGHT,
} from './check-block.ts';
import { firstBlock } from './first-block.ts';
import { makeBlock } from './make-block.ts';
import { OpenCoins, openOutputs } from './open-coins.ts';
import { TransactionPool } from './transaction-pool.ts';

const BLOCK_VERSION = 0x20000000;
/** Where somebody else's coins go: a key hash of zeros. */
const OTHERS_SCRIPT = Uint8Array.of(0x00, 0x14, ...new Uint8Array(20));

export interface SimulatedChainOptions {
  /** Whose subsidy and time rules hold. */
  readonly network: Network;
  /** Compact target of the first blocks; independent of what shares ask for. */
  readonly nbits: number;
  readonly reserve: CoinbaseReserve;
  /** Transactions that wait when a block has come, and that come with each refreshed template. */
  readonly transactions: number;
  /** Bytes added to each of them, at most 65,535: for large templates. */
  readonly transactionFiller: number;
  /** Seconds after which a template is refreshed. */
  readonly templateSeconds: number;
  /** Mean of the random time between two blocks of somebody else; without it they come by command alone. */
  readonly otherBlockSeconds?: number;
}

export interface SimulatedChainModules {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  /** Runs `task` once after a time; the result prevents that. */
  schedule(ms: number, task: () => void): () => void;
}

export class SimulatedChain implements NodeSource {
  readonly announces = true;
  readonly name = 'simulated';
  readonly #options: SimulatedChainOptions;
  readonly #modules: SimulatedChainModules;
  readonly #blocks = new BlockIndex();
  readonly #coins: OpenCoins;
  readonly #pool: TransactionPool;
  #tip: IndexedBlock;
  #nbits: number;
  #extranonce = 0n;
  #listener: NodeListener | undefined;
  #told: { readonly template: BlockTemplate; readonly prepared: PreparedTemplate } | undefined;
  #cancelOtherBlock = () => {};
  #cancelRefresh = () => {};

  constructor(options: SimulatedChainOptions, modules: SimulatedChainModules) {
    compactToTarget(options.nbits);
    this.#options = options;
    this.#modules = modules;
    this.#nbits = options.nbits;
    this.#tip = firstBlock(options.nbits, modules.clock);
    this.#blocks.add(this.#tip);
    this.#coins = new OpenCoins(openOutputs(this.#tip.transactions[0]!));
    this.#pool = new TransactionPool(this.#coins, options.transactionFiller, modules.random);
    this.#pool.add(options.transactions);
  }

  get height(): number {
    return this.#tip.height;
  }

  /** Of the tip: 32 bytes, wire order. */
  get tipHash(): Uint8Array {
    return this.#tip.hash;
  }

  start(listener: NodeListener): Promise<void> {
    this.#listener = listener;
    listener.onHealth(undefined, 'gives work');
    this.#tellTip('start');
    this.#tellTemplate();
    this.#awaitOtherBlock();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#listener = undefined;
    this.#cancelOtherBlock();
    this.#cancelRefresh();
    return Promise.resolve();
  }

  variant(base: PreparedTemplate, reserve: CoinbaseReserve): Promise<PreparedTemplate | undefined> {
    const told = this.#told;
    if (told?.prepared !== base) return Promise.resolve(undefined);
    const same = fittingCount(told.template, reserve) === base.transactionCount;
    return Promise.resolve(same ? base : prepareTemplate(told.template, reserve));
  }

  submitBlock(block: Uint8Array): Promise<SubmitAnswer> {
    return Promise.resolve(this.#accept(Uint8Array.from(block), 'checked'));
  }

  block(hash: Uint8Array): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#blocks.get(hash)?.bytes);
  }

  isInChain(hash: Uint8Array): Promise<boolean> {
    const block = this.#blocks.get(hash);
    let at: IndexedBlock | undefined = this.#tip;
    while (at !== undefined && block !== undefined && at.height > block.height) at = at.parent;
    return Promise.resolve(block !== undefined && at === block);
  }

  /** Sets the compact target of the blocks after the next one: what miners work on now stays good. */
  setNbits(nbits: number): void {
    compactToTarget(nbits);
    this.#nbits = nbits;
  }

  /** A block by somebody else with all that waits, on the tip; gives its hash. */
  mineBlock(): Uint8Array {
    return this.#mineOn(this.#tip, this.#pool.transactions);
  }

  /**
   * Somebody else's chain, one block longer, replaces the last `depth` blocks; their transactions wait again.
   * Throws RangeError when the chain is not that long, or no longer known.
   */
  reorganize(depth: number): void {
    let fork: IndexedBlock | undefined = this.#tip;
    for (let step = 0; step < depth; step += 1) fork = fork?.parent;
    if (fork === undefined || depth < 1) throw new RangeError(`the chain cannot be reorganized by ${depth} blocks`);
    for (let count = 0; count <= depth; count += 1) {
      const hash = this.#mineOn(fork, []);
      fork = this.#blocks.get(hash)!;
    }
  }

  /** Adds transactions to what waits and tells a template with them. */
  addTransactions(count: number): void {
    this.#pool.add(count);
    this.#tellTemplate();
  }

  /** Takes a block in if it keeps the rules; `unchecked` work is that of blocks made here. */
  #accept(bytes: Uint8Array, work: 'checked' | 'unchecked'): SubmitAnswer {
    const block = decodeBlock(bytes);
    if (block === undefined) return 'Block decode failed';
    const known = this.#blocks.get(block.hash);
    if (known !== undefined) return known.invalid ? 'duplicate-invalid' : 'duplicate';
    if (work === 'checked' && !hasWork(block)) return 'high-hash';
    const fault = checkBlock(block);
    if (fault !== undefined) return fault;
    const parent = this.#blocks.get(block.header.prevHash);
    if (parent === undefined) return 'prev-blk-not-found';
    if (parent.invalid) return 'bad-prevblk';
    const now = unixSeconds(this.#modules.clock);
    const faultOnParent =
      checkHeaderOn(parent, block, now, this.#options.network) ?? checkTransactionsOn(parent, block);
    if (faultOnParent !== undefined) return faultOnParent;

    const { hash, header, transactions } = block;
    const added: IndexedBlock = {
      hash,
      header,
      bytes,
      transactions,
      height: parent.height + 1,
      chainwork: chainworkOn(parent),
      childNbits: this.#nbits,
      parent,
      changes: undefined,
      invalid: false,
    };
    this.#blocks.add(added);
    return added.chainwork > this.#tip.chainwork ? this.#activate(added) : 'inconclusive';
  }

  /** Moves the active chain to end in `next`, or leaves it as it is and says which rule a block on the way broke. */
  #activate(next: IndexedBlock): SubmitAnswer {
    const way = wayBetween(this.#tip, next);
    if (way === undefined) return 'prev-blk-not-found';
    const { leave, enter } = way;
    for (const block of leave) this.#disconnect(block);
    for (const [index, block] of enter.entries()) {
      const fault = this.#connect(block);
      if (fault === undefined) continue;
      for (const later of enter.slice(index)) later.invalid = true;
      for (const entered of enter.slice(0, index).reverse()) this.#disconnect(entered);
      for (const left of leave.reverse()) this.#connect(left);
      return fault;
    }
    this.#tip = next;
    this.#blocks.forgetBelow(next.height);
    this.#pool.renew(
      this.#coins,
      leave.reverse().flatMap(({ transactions }) => transactions.slice(1)),
    );
    this.#pool.add(this.#options.transactions - this.#pool.transactions.length);
    this.#tellTip();
    this.#tellTemplate();
    return null;
  }

  #connect(block: IndexedBlock): string | undefined {
    const [coinbase, ...rest] = block.transactions;
    const changes = this.#coins.connect(rest);
    if (typeof changes === 'string') return changes;
    if (coinbaseValue(coinbase!) > subsidy(block.height, this.#options.network) + changes.fees) {
      this.#coins.disconnect(changes);
      return 'bad-cb-amount';
    }
    block.changes = changes;
    return undefined;
  }

  #disconnect(block: IndexedBlock): void {
    this.#coins.disconnect(block.changes!);
    block.changes = undefined;
  }

  #mineOn(parent: IndexedBlock, transactions: readonly TemplateTransaction[]): Uint8Array {
    const fees = transactions.reduce((sum, { fee }) => sum + fee, 0n);
    this.#extranonce += 1n;
    const bytes = makeBlock({
      prevHash: parent.hash,
      height: parent.height + 1,
      ntime: Math.max(unixSeconds(this.#modules.clock), minimumTimeOn(parent, this.#options.network)),
      nbits: parent.childNbits,
      tag: 'somebody else',
      outputs: [{ value: subsidy(parent.height + 1, this.#options.network) + fees, script: OTHERS_SCRIPT }],
      transactions,
      extranonce: this.#extranonce,
    });
    const answer = this.#accept(bytes, 'unchecked');
    if (answer !== null && answer !== 'inconclusive') throw new Error(`a block of the simulated chain is ${answer}`);
    return decodeBlock(bytes)!.hash;
  }

  #tellTip(origin: TipOrigin = 'announcement'): void {
    const tip = this.#tip;
    const news = {
      hash: tip.hash,
      header: encodeHeader(tip.header),
      height: tip.height,
      chainwork: tip.chainwork,
      minNtime: minimumTimeOn(tip, this.#options.network),
      nextNbits: tip.childNbits,
      seenAtMicros: unixMicros(this.#modules.clock),
    };
    this.#listener?.onTip(news, origin);
  }

  #tellTemplate(): void {
    this.#cancelRefresh();
    if (this.#listener === undefined) return;
    const template = this.#template();
    this.#told = { template, prepared: prepareTemplate(template, this.#options.reserve) };
    this.#listener.onTemplate(this.#told.prepared);
    this.#cancelRefresh = this.#modules.schedule(this.#options.templateSeconds * 1000, () =>
      this.addTransactions(this.#options.transactions),
    );
  }

  #template(): BlockTemplate {
    const tip = this.#tip;
    const { transactions } = this.#pool;
    const minTime = minimumTimeOn(tip, this.#options.network);
    const fees = transactions.reduce((sum, { fee }) => sum + fee, 0n);
    return {
      height: tip.height + 1,
      previousBlockHash: tip.hash,
      version: BLOCK_VERSION,
      nbits: tip.childNbits,
      minTime,
      currentTime: Math.max(unixSeconds(this.#modules.clock), minTime),
      coinbaseValue: subsidy(tip.height + 1, this.#options.network) + fees,
      weightLimit: MAX_BLOCK_WEIGHT,
      sigopsCostLimit: MAX_BLOCK_SIGOPS_COST,
      transactions,
    };
  }

  #awaitOtherBlock(): void {
    const { otherBlockSeconds } = this.#options;
    if (otherBlockSeconds === undefined) return;
    // Blocks come at random: the time to the next is exponential, however long ago the last was.
    const ms = -Math.log(1 - this.#modules.random()) * otherBlockSeconds * 1000;
    this.#cancelOtherBlock = this.#modules.schedule(ms, () => {
      this.mineBlock();
      this.#awaitOtherBlock();
    });
  }
}
