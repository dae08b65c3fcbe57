// Transactions that wait for a block of the simulated chain: made here, well-formed, with witness, each paying a fee and
// handing its coin on, so that later ones can stand on it.
import { type CoinbaseOutput, encodeOutput } from '@sluice/bitcoin/coinbase';
import { compactSize, concatBytes, u32 } from '@sluice/bitcoin/serialize';
import { decodeTransaction, type Transaction } from '@sluice/bitcoin/transaction';
import type { TemplateTransaction } from '../block-template.ts';
import { OPEN_SCRIPT, OPEN_WITNESS_SCRIPT, type OpenCoin, type OpenCoins } from './open-coins.ts';

/** What waits always fits one block, with a little room for its coinbase. */
export const MAX_POOL_WEIGHT = 3_990_000;
const MIN_FEE_RATE = 1;
const MAX_FEE_RATE = 30;
const OP_RETURN = 0x6a;
const OP_PUSHDATA2 = 0x4d;

interface PooledTransaction extends TemplateTransaction {
  readonly decoded: Transaction;
}

export class TransactionPool {
  #transactions: PooledTransaction[] = [];
  #weight = 0;
  /** Coins as they are once all that waits is in a block. */
  #coins: OpenCoins;
  readonly #fillerSize: number;
  readonly #random: () => number;

  /** @param fillerSize bytes of an output without meaning in each transaction, at most 65,535. */
  constructor(coins: OpenCoins, fillerSize: number, random: () => number) {
    this.#coins = coins.copy();
    this.#fillerSize = fillerSize;
    this.#random = random;
  }

  /** In an order in which a block can have them. */
  get transactions(): readonly TemplateTransaction[] {
    return [...this.#transactions];
  }

  /** Makes `count` transactions more, as far as bound and coins allow. */
  add(count: number): void {
    for (let made = 0; made < count; made += 1) {
      const coin = this.#coins.oldest();
      const transaction = coin === undefined ? undefined : this.#spend(coin);
      if (transaction === undefined || this.#weight + transaction.weight > MAX_POOL_WEIGHT) return;
      this.#coins.connect([transaction.decoded]);
      this.#take(transaction);
    }
  }

  /** Keeps what can still go into a block after the coins changed; `returned` are those of blocks that are none any more. */
  renew(coins: OpenCoins, returned: readonly Transaction[]): void {
    const waiting = this.#transactions.map(({ decoded }) => decoded);
    this.#coins = coins.copy();
    this.#transactions = [];
    this.#weight = 0;
    for (const transaction of [...returned, ...waiting]) {
      if (this.#weight + transaction.weight > MAX_POOL_WEIGHT) return;
      const changes = this.#coins.connect([transaction]);
      if (typeof changes !== 'string') this.#take(pooled(transaction, changes.fees));
    }
  }

  #take(transaction: PooledTransaction): void {
    this.#transactions.push(transaction);
    this.#weight += transaction.weight;
  }

  #spend(coin: OpenCoin): PooledTransaction | undefined {
    const filler = new Uint8Array(this.#fillerSize).map(() => Math.floor(this.#random() * 256));
    const rate = MIN_FEE_RATE + Math.floor(this.#random() * (MAX_FEE_RATE - MIN_FEE_RATE));
    const fee = BigInt(rate * (150 + filler.length));
    if (coin.value <= fee) return undefined;
    const transaction = decodeTransaction(
      encodeSpend(coin, [
        { value: coin.value - fee, script: OPEN_SCRIPT },
        ...(filler.length === 0 ? [] : [{ value: 0n, script: fillerScript(filler) }]),
      ]),
    )!;
    return pooled(transaction, fee);
  }
}

function pooled(decoded: Transaction, fee: bigint): PooledTransaction {
  const { bytes, txid, wtxid, weight } = decoded;
  // OP_TRUE has no signature operation.
  return { data: bytes, decoded, txid, wtxid, weight, fee, sigopsCost: 0 };
}

/** Nobody can spend it, and nobody keeps it. */
function fillerScript(filler: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(OP_RETURN, OP_PUSHDATA2, filler.length, filler.length >>> 8), filler);
}

const VERSION = 2;
/** Replaceable and without a relative lock. */
const SEQUENCE = 0xfffffffd;

function encodeSpend(coin: OpenCoin, outputs: readonly CoinbaseOutput[]): Uint8Array {
  return concatBytes(
    u32(VERSION),
    Uint8Array.of(0x00, 0x01, 0x01),
    coin.txid,
    u32(coin.index),
    Uint8Array.of(0x00),
    u32(SEQUENCE),
    compactSize(outputs.length),
    ...outputs.map(encodeOutput),
    Uint8Array.of(0x01, OPEN_WITNESS_SCRIPT.length),
    OPEN_WITNESS_SCRIPT,
    u32(0),
  );
}
