// The coins of the simulated chain that its own transactions move around. Their script lets anyone spend them with one known
// witness, so that a spend can be judged here without running scripts; nothing else, coinbases included, can be spent.
import { sha256 } from '@sluice/bitcoin/hash';
import { equalBytes } from '@sluice/bitcoin/serialize';
import type { Transaction, TransactionInput } from '@sluice/bitcoin/transaction';

/** Witness script OP_TRUE: the whole witness of a spend. */
export const OPEN_WITNESS_SCRIPT = Uint8Array.of(0x51);
/** Pay to the hash of that witness script. */
export const OPEN_SCRIPT = Uint8Array.of(0x00, 0x20, ...sha256(OPEN_WITNESS_SCRIPT));

export interface OpenCoin {
  /** 32 bytes, wire order. */
  readonly txid: Uint8Array;
  readonly index: number;
  /** Satoshis. */
  readonly value: bigint;
}

/** What connecting transactions changed, to take it back. */
export interface CoinChanges {
  readonly spent: readonly OpenCoin[];
  readonly created: readonly OpenCoin[];
  readonly fees: bigint;
}

/** Why a transaction cannot stand where it does, in Bitcoin Core's words. */
export type SpendFault =
  | 'bad-txns-inputs-missingorspent'
  | 'mandatory-script-verify-flag-failed'
  | 'bad-txns-in-belowout';

const keyOf = (txid: Uint8Array, index: number) => `${Buffer.from(txid).toString('hex')}:${index}`;

export class OpenCoins {
  /** In order of creation. */
  readonly #coins: Map<string, OpenCoin>;

  constructor(coins: Iterable<OpenCoin> = []) {
    this.#coins = new Map([...coins].map((coin) => [keyOf(coin.txid, coin.index), coin]));
  }

  copy(): OpenCoins {
    return new OpenCoins(this.#coins.values());
  }

  /** The coin that has been there longest. */
  oldest(): OpenCoin | undefined {
    return this.#coins.values().next().value;
  }

  /** Spends and creates what the transactions do, in their order, or changes nothing and says why not. */
  connect(transactions: readonly Transaction[]): CoinChanges | SpendFault {
    const spent: OpenCoin[] = [];
    const created: OpenCoin[] = [];
    let fees = 0n;
    for (const transaction of transactions) {
      const before = spent.length;
      const fault = this.#spend(transaction.inputs, spent);
      const paid = transaction.outputs.reduce((sum, { value }) => sum + value, 0n);
      const fee = spent.slice(before).reduce((sum, { value }) => sum + value, 0n) - paid;
      if (fault !== undefined || fee < 0n) {
        this.disconnect({ spent, created });
        return fault ?? 'bad-txns-in-belowout';
      }
      fees += fee;
      for (const coin of openOutputs(transaction)) {
        created.push(coin);
        this.#coins.set(keyOf(coin.txid, coin.index), coin);
      }
    }
    return { spent, created, fees };
  }

  /** Takes back what `connect` did last. */
  disconnect({ spent, created }: Pick<CoinChanges, 'spent' | 'created'>): void {
    // Spent first: a coin created and spent by the same transactions must not stay.
    for (const coin of spent) this.#coins.set(keyOf(coin.txid, coin.index), coin);
    for (const coin of created) this.#coins.delete(keyOf(coin.txid, coin.index));
  }

  #spend(inputs: readonly TransactionInput[], spent: OpenCoin[]): SpendFault | undefined {
    for (const { prevTxid, prevIndex, script, witness } of inputs) {
      const key = keyOf(prevTxid, prevIndex);
      const coin = this.#coins.get(key);
      if (coin === undefined) return 'bad-txns-inputs-missingorspent';
      const opens = script.length === 0 && witness.length === 1 && equalBytes(witness[0]!, OPEN_WITNESS_SCRIPT);
      if (!opens) return 'mandatory-script-verify-flag-failed';
      spent.push(coin);
      this.#coins.delete(key);
    }
    return undefined;
  }
}

/** The outputs of a transaction that anyone can spend. */
export function openOutputs({ txid, outputs }: Transaction): OpenCoin[] {
  return outputs.flatMap(({ value, script }, index) =>
    equalBytes(script, OPEN_SCRIPT) ? [{ txid: Uint8Array.from(txid), index, value }] : [],
  );
}
