// What the output of ours in a block pays to, and the room that it needs there.
import { encodeOutput } from '@sluice/bitcoin/coinbase';
import type { Network } from '@sluice/bitcoin/network';
import { scriptFor, scriptSigops } from '@sluice/bitcoin/script';
import { LARGEST_MINER_OUTPUT } from '@sluice/mining/miner-payout';
import type { CoinbaseReserve } from '@sluice/template-provider/prepare-template';

/** What the demo mines pays to nobody: OP_TRUE. */
const DEMO_PAYOUT = Uint8Array.of(0x51);

/** @param payout an address or descriptor of the network; `undefined` in the demo. */
export function payoutScript(payout: string | undefined, network: Network): Uint8Array {
  return payout === undefined ? DEMO_PAYOUT : scriptFor(payout, network);
}

/** @param payoutByIdentity room for an output that pays a miner as well. */
export function reserveFor(script: Uint8Array, payoutByIdentity: boolean): CoinbaseReserve {
  const scripts = payoutByIdentity ? [script, LARGEST_MINER_OUTPUT.script] : [script];
  const sizes = scripts.map((one) => encodeOutput({ value: 0n, script: one }).length);
  return { outputsSize: sum(sizes), outputsSigops: sum(scripts.map(scriptSigops)) };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
