// What differs between the networks: address prefixes, the subsidy's halving, when the proof-of-work target may change.
// Values of Bitcoin Core's `kernel/chainparams.cpp`.
import { BitcoinError } from './errors.ts';

/** The networks that Sluice mines on, by the names of Bitcoin Core. */
export const networks = ['mainnet', 'testnet4', 'signet', 'regtest'] as const;
/** One of `networks`. */
export type Network = (typeof networks)[number];

/** What the code needs to know of a network. */
export interface NetworkParameters {
  /** Human-readable part of segwit addresses [BIP173]. */
  readonly bech32: string;
  /** Version bytes of base58check addresses. */
  readonly pubKeyHash: number;
  readonly scriptHash: number;
  readonly halvingInterval: number;
  /** Blocks between two changes of the proof-of-work target. */
  readonly retargetInterval: number;
  /** The target never changes. */
  readonly fixedTarget: boolean;
  /** A block twenty minutes after its parent may have the easiest target, so that any block's may differ from its parent's. */
  readonly minimumDifficultyBlocks: boolean;
  /** Easiest target, compact. */
  readonly powLimit: number;
}

const testPrefixes = { bech32: 'tb', pubKeyHash: 0x6f, scriptHash: 0xc4 } as const;
const retargeting = { halvingInterval: 210_000, retargetInterval: 2016, fixedTarget: false } as const;

/** The parameters of each network. */
export const networkParameters: Readonly<Record<Network, NetworkParameters>> = {
  mainnet: {
    bech32: 'bc',
    pubKeyHash: 0x00,
    scriptHash: 0x05,
    ...retargeting,
    minimumDifficultyBlocks: false,
    powLimit: 0x1d00ffff,
  },
  testnet4: { ...testPrefixes, ...retargeting, minimumDifficultyBlocks: true, powLimit: 0x1d00ffff },
  signet: { ...testPrefixes, ...retargeting, minimumDifficultyBlocks: false, powLimit: 0x1e0377ae },
  regtest: {
    ...testPrefixes,
    bech32: 'bcrt',
    halvingInterval: 150,
    retargetInterval: 144,
    fixedTarget: true,
    minimumDifficultyBlocks: false,
    powLimit: 0x207fffff,
  },
};

const FIRST_SUBSIDY = 5_000_000_000n;

/** New coins of the block at `height`, in satoshis. Throws `number-out-of-range` for what is no height. */
export function subsidy(height: number, network: Network): bigint {
  if (!Number.isInteger(height) || height < 0) {
    throw new BitcoinError('number-out-of-range', `height ${height} is out of range`);
  }
  return FIRST_SUBSIDY >> BigInt(Math.floor(height / networkParameters[network].halvingInterval));
}

/** Blocks between two changes of the proof-of-work target. */
export function retargetInterval(network: Network): number {
  return networkParameters[network].retargetInterval;
}

/** Whether the block at `height` may have other nBits than its parent, so that only the node can tell them. */
export function mayChangeBits(height: number, network: Network): boolean {
  const { fixedTarget, minimumDifficultyBlocks, retargetInterval: interval } = networkParameters[network];
  return !fixedTarget && (minimumDifficultyBlocks || height % interval === 0);
}
