// A coinbase that pays a miner instead of the pool: only the outputs change, so that the job keeps its id, its prefix and its place
// among the jobs. Gateway and validator both make it from the job of the feed, and so come to the same bytes.
import { ByteReader } from '@sluice/bitcoin/byte-reader';
import { type CoinbaseOutput, encodeOutput } from '@sluice/bitcoin/coinbase';
import type { Network } from '@sluice/bitcoin/network';
import { addressScript } from '@sluice/bitcoin/script';
import { compactSize, concatBytes } from '@sluice/bitcoin/serialize';
import type { Payout } from './build-job.ts';
import type { ExtendedJob } from './job.ts';

/** Whom the blocks of a channel pay, where it is not the pool alone. */
export interface MinerPayout {
  /** Output script of the miner's address. */
  readonly script: Uint8Array;
  /** Whole per cent of a block that the pool's own outputs keep: 0 to `MAX_POOL_PERCENT`. */
  readonly poolPercent: number;
}

/** More would leave the miner nothing. */
export const MAX_POOL_PERCENT = 99;
/**
 * Satoshis below which the pool takes no output: Bitcoin Core's threshold for the dearest kind to spend, P2PKH. Such an output costs
 * more than it holds and stays among the unspent for ever.
 */
export const DUST = 546n;
/** Stands for the output of any address where room is kept for it: the longest script, and the only signature operation that one has. */
export const LARGEST_MINER_OUTPUT: Payout = {
  script: Uint8Array.from({ length: 34 }, (_, index) => (index === 0 ? 0xac : 0)),
  weight: 1,
};

const MIN_OUTPUT_SIZE = 9;
const OP_RETURN = 0x6a;

/** `undefined`: not an address of the network, or a percentage that is none of a miner's payout. */
export function minerPayout(address: string, poolPercent: number, network: Network): MinerPayout | undefined {
  const script = poolPercent <= MAX_POOL_PERCENT ? addressScript(address, network) : undefined;
  return script && { script, poolPercent };
}

/** The same work for channels of this payout; `undefined`: its coinbase cannot be read or has no output of the pool. */
export function jobPaying(job: ExtendedJob, payout: MinerPayout): ExtendedJob | undefined {
  const coinbaseSuffix = payMiner(job.coinbaseSuffix, payout);
  return coinbaseSuffix && { ...job, coinbaseSuffix };
}

/**
 * The suffix of a job's coinbase with the pool's outputs, which stand first, replaced: the pool's part, rounded down, in outputs of the
 * same scripts and proportions, then all the rest to the miner. What the template gave, such as the witness commitment, stays byte
 * for byte. A part of the pool below `DUST` is the miner's, and one of several outputs below it goes to the
 * first that stays.
 */
export function payMiner(coinbaseSuffix: Uint8Array, payout: MinerPayout): Uint8Array | undefined {
  const reader = new ByteReader(coinbaseSuffix);
  const sequence = reader.bytes(4);
  const count = reader.count(MIN_OUTPUT_SIZE);
  const outputs: CoinbaseOutput[] = [];
  let own = 0;
  let templatesAt = reader.offset;
  for (let index = 0; index < count; index += 1) {
    const output = { value: reader.u64(), script: reader.sizedBytes() };
    outputs.push(output);
    if (output.value === 0n && output.script[0] === OP_RETURN) continue;
    own = index + 1;
    templatesAt = reader.offset;
  }
  reader.bytes(4);
  if (reader.failed || reader.remaining !== 0 || own === 0) return undefined;
  const paid = paidOutputs(outputs.slice(0, own), payout);
  return concatBytes(
    sequence,
    compactSize(paid.length + count - own),
    ...paid.map(encodeOutput),
    coinbaseSuffix.subarray(templatesAt),
  );
}

function paidOutputs(own: readonly CoinbaseOutput[], { script, poolPercent }: MinerPayout): CoinbaseOutput[] {
  const value = own.reduce((sum, output) => sum + output.value, 0n);
  const part = (value * BigInt(poolPercent)) / 100n;
  if (part < DUST) return [{ value, script }];
  const parts = own
    .map((output) => ({ script: output.script, value: (output.value * part) / value }))
    .filter((output) => output.value >= DUST);
  const [first = { script: own[0]!.script, value: 0n }, ...others] = parts;
  const rest = part - parts.reduce((sum, output) => sum + output.value, 0n);
  return [{ ...first, value: first.value + rest }, ...others, { value: value - part, script }];
}
