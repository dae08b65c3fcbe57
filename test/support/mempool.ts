// Real transactions in the mempool of a regtest node: ordinary payments of its wallet, and ones with large witnesses that fill a block.
// The node must run with `largeTransactions`, because no miner of the main network relays such witnesses.
import { createHash } from 'node:crypto';
import { type Bitcoind, MAX_HASHES } from './bitcoind.ts';

/** Options for a node whose templates may be as large as consensus allows. */
export const largeTransactions = ['-acceptnonstdtxn=1', '-blockmaxweight=3990000', '-maxmempool=300'] as const;

const WALLET = 'test';
const MATURITY = 100;
const MATURING_AT_ONCE = 10;
/** Items, two to each OP_2DROP; some nodes verify with a bound of 256 bytes instead of 520. */
const ITEM = Buffer.alloc(256, 0xa5);
const DROPS = 200;
const OP_2DROP = 0x6d;
const witnessScript = Buffer.concat([Buffer.alloc(DROPS, OP_2DROP), Buffer.of(0x51)]);
const scriptPubKey = Buffer.concat([Buffer.of(0x00, 0x20), createHash('sha256').update(witnessScript).digest()]);
const FUNDING = 100_000_000;
const FEE = 1_000_000;
/** Bitcoins of what single payments spend and pay: a coinbase is enough for two thousand. */
const SINGLE_COIN = 0.02;
const SINGLE_PAYMENT = 0.0199;
/** Bytes of a transaction of `fillMempool`, roughly. */
const LARGE = 2 * DROPS * ITEM.length;

interface Coin {
  readonly txid: string;
  readonly vout: number;
  /** Bitcoins. */
  readonly amount: number;
}

/** Gives the node a wallet with mature coins. */
export async function fundWallet(bitcoind: Bitcoind, coins = 30): Promise<void> {
  await bitcoind.rpc('createwallet', [WALLET]);
  const address = await bitcoind.rpc('getnewaddress', ['', 'bech32'], WALLET);
  await bitcoind.rpc('generatetoaddress', [coins, address, MAX_HASHES]);
  // A call that takes minutes, as on signet, would not be waited for.
  for (let block = 0; block < MATURITY; block += MATURING_AT_ONCE) await bitcoind.generate(MATURING_AT_ONCE, 7);
}

/** That of `fundWallet`, where the node was started again. */
export async function openWallet(bitcoind: Bitcoind): Promise<void> {
  await bitcoind.rpc('loadwallet', [WALLET]);
}

/** As many payments, 2,400 at most, of which none spends another, where `sendPayments` would make chains; mines one block for their coins. */
export async function sendSinglePayments(bitcoind: Bitcoind, count: number): Promise<void> {
  const address = await bitcoind.rpc('getnewaddress', ['', 'bech32'], WALLET);
  const ownAddresses: readonly string[] = await bitcoind.rpcEach(
    'getnewaddress',
    Array(count).fill(['', 'bech32']),
    WALLET,
  );
  // In one transaction: a second one would spend what the first has paid.
  const parts = Object.fromEntries(ownAddresses.map((own) => [own, SINGLE_COIN]));
  await bitcoind.rpc('sendmany', ['', parts], WALLET);
  await bitcoind.generate(1, 9);
  const coins: readonly Coin[] = await bitcoind.rpc('listunspent', [], WALLET);
  const singles = coins.filter(({ amount }) => amount === SINGLE_COIN).slice(0, count);
  await spend(bitcoind, singles, { [address]: SINGLE_PAYMENT });
}

/** Spends what one of the single payments that still wait has paid: the next template has one transaction more. */
export async function spendSinglePayment(bitcoind: Bitcoind): Promise<void> {
  const address = await bitcoind.rpc('getnewaddress', ['', 'bech32'], WALLET);
  const coins: readonly Coin[] = await bitcoind.rpc('listunspent', [0, 0], WALLET);
  const coin = coins.find(({ amount }) => amount === SINGLE_PAYMENT);
  if (coin === undefined) throw new Error('no single payment waits');
  await spend(bitcoind, [coin], { [address]: 0.0198 });
}

/** Each of the coins in a transaction of its own, which makes this payment. */
async function spend(
  bitcoind: Bitcoind,
  coins: readonly Pick<Coin, 'txid' | 'vout'>[],
  payment: Readonly<Record<string, number>>,
): Promise<void> {
  const unsigned = coins.map(({ txid, vout }) => [[{ txid, vout }], payment]);
  const raw: readonly string[] = await bitcoind.rpcEach('createrawtransaction', unsigned);
  const signed = await bitcoind.rpcEach(
    'signrawtransactionwithwallet',
    raw.map((text) => [text]),
    WALLET,
  );
  await bitcoind.rpcEach(
    'sendrawtransaction',
    signed.map(({ hex }) => [hex]),
  );
}

/** Payments from the wallet to itself, with witnesses; they wait in the mempool. */
export async function sendPayments(bitcoind: Bitcoind, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const address = await bitcoind.rpc('getnewaddress', ['', 'bech32'], WALLET);
    await bitcoind.rpc('sendtoaddress', [address, 0.5], WALLET);
  }
}

/** Fills the mempool with at least `bytes` of transactions; mines one block for their inputs. */
export async function fillMempool(bitcoind: Bitcoind, bytes: number): Promise<void> {
  const { segwit } = await bitcoind.rpc('decodescript', [witnessScript.toString('hex')]);
  const inputs: { readonly txid: string; readonly vout: number }[] = [];
  for (let size = 0; size < bytes; size += LARGE) {
    const txid: string = await bitcoind.rpc('sendtoaddress', [segwit.address, FUNDING / 1e8], WALLET);
    const { decoded } = await bitcoind.rpc('gettransaction', [txid, false, true], WALLET);
    const outputs = decoded.vout as { readonly n: number; readonly scriptPubKey: { readonly hex: string } }[];
    const output = outputs.find(({ scriptPubKey: script }) => script.hex === scriptPubKey.toString('hex'));
    inputs.push({ txid, vout: output?.n ?? 0 });
  }
  await bitcoind.generate(1, 8);
  for (const { txid, vout } of inputs)
    await bitcoind.rpc('sendrawtransaction', [largeTransaction(txid, vout).toString('hex'), 0]);
}

function largeTransaction(txid: string, vout: number): Buffer {
  const u32 = (value: number) => Buffer.of(value, value >>> 8, value >>> 16, value >>> 24);
  const u16 = (value: number) => Buffer.of(0xfd, value, value >>> 8);
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(BigInt(FUNDING - FEE));
  const item = Buffer.concat([u16(ITEM.length), ITEM]);
  const items = Array.from({ length: 2 * DROPS }, () => item);
  return Buffer.concat([
    ...[u32(2), Buffer.of(0x00, 0x01)],
    ...[Buffer.of(1), Buffer.from(txid, 'hex').reverse(), u32(vout), Buffer.of(0), u32(0xffff_fffd)],
    ...[Buffer.of(1), value, Buffer.of(scriptPubKey.length), scriptPubKey],
    ...[u16(items.length + 1), ...items, Buffer.of(witnessScript.length), witnessScript],
    u32(0),
  ]);
}
