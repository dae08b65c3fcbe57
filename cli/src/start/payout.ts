// What the only output of ours in a block pays to, and the room that it needs there.
import { encodeOutput } from '@sluice/bitcoin/coinbase';
import type { Network } from '@sluice/bitcoin/network';
import { scriptFor, scriptSigops } from '@sluice/bitcoin/script';
import type { CoinbaseReserve } from '@sluice/template-provider/prepare-template';

/** What the demo mines pays to nobody: OP_TRUE. */
const DEMO_PAYOUT = Uint8Array.of(0x51);

/** @param payout an address or descriptor of the network; `undefined` in the demo. */
export function payoutScript(payout: string | undefined, network: Network): Uint8Array {
  return payout === undefined ? DEMO_PAYOUT : scriptFor(payout, network);
}

export function reserveFor(script: Uint8Array): CoinbaseReserve {
  return { outputsSize: encodeOutput({ value: 0n, script }).length, outputsSigops: scriptSigops(script) };
}
