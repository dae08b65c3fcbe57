// Where blocks come from and go to: the user's nodes, or a simulated chain as hard as this machine's demo miners are fast.
import type { Network } from '@sluice/bitcoin/network';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { targetToCompact } from '@sluice/bitcoin/target';
import { NonceSearch } from '@sluice/miner/hashing/nonce-search';
import type { Clock } from '@sluice/runtime/clock';
import { randomFraction } from '@sluice/runtime/random';
import { BitcoindNode } from '@sluice/template-provider/bitcoind/bitcoind-node';
import { nodeOf } from '@sluice/template-provider/config';
import type { NodeSource } from '@sluice/template-provider/node-source';
import { SimulatedChain } from '@sluice/template-provider/simulated-chain/simulated-chain';
import { networkOf, type StartConfig } from './config.ts';
import { payoutScript, reserveFor } from './payout.ts';

/** Mean time between two blocks of the demo. */
export const DEMO_BLOCK_SECONDS = 4;
/** Share of one core that the demo miners take together: a demo leaves a laptop usable. */
export const DEMO_DUTY = 0.5;
/** Below any machine: keeps the target a compact one that is not negative. */
const SLOWEST_HASHRATE = 1_000;
/** Hashes by which the first guess is made: some tens of milliseconds. */
const MEASURED_HASHES = 2 ** 17;
const TEMPLATE_POLL_MS = 30_000;
/** Small templates with real transactions, new ones now and then. */
const DEMO_TEMPLATES = { transactions: 12, transactionFiller: 100, templateSeconds: 30 } as const;

export interface Chain {
  readonly nodes: readonly NodeSource[];
  readonly network: Network;
  readonly simulated: boolean;
  /** For the view; holds no credential. */
  readonly label: string;
  /** Sets how hard later blocks are, by what the demo miners really do. Nothing to set on a node. */
  tune(hashesPerSecond: number): void;
}

/** The compact target that this hashrate meets every `seconds` on average. */
export function nbitsFor(hashesPerSecond: number, seconds: number): number {
  const hashes = Math.round(Math.max(SLOWEST_HASHRATE, hashesPerSecond) * seconds);
  return targetToCompact((1n << 256n) / BigInt(hashes) - 1n);
}

/** Hashes a second of the demo miners before there are any, from a short try of their own search. */
export function expectedHashrate(clock: Clock): number {
  const search = new NonceSearch(wasmSha256d);
  const began = clock.monotonic();
  // No hash meets a target of zero.
  search.search(new Uint8Array(80), new Uint8Array(32), 0, MEASURED_HASHES, () => undefined);
  return (MEASURED_HASHES * 1_000 * DEMO_DUTY) / (clock.monotonic() - began);
}

export function openChain(config: StartConfig, clock: Clock): Chain {
  return config.bitcoind.length > 0 ? nodeChain(config, clock) : simulatedChain(config, clock);
}

function nodeChain(config: StartConfig, clock: Clock): Chain {
  const network = networkOf(config);
  const reserve = reserveFor(payoutScript(config.payout, network), config.payoutByIdentity);
  const nodes = config.bitcoind.map((url) => {
    const node = nodeOf(url);
    const cookie = config.cookie === undefined ? {} : { cookieFile: config.cookie };
    const options = {
      ...node,
      endpoint: { ...cookie, ...node.endpoint },
      ...(config.zmq === undefined ? {} : { zmqBlock: config.zmq }),
      network,
      reserve,
      templatePollMs: TEMPLATE_POLL_MS,
    };
    return new BitcoindNode(options, { now: () => clock.now() });
  });
  const label = `${network}, ${nodes.map(({ name }) => name).join(', ')}`;
  return { nodes, network, simulated: false, label, tune: () => undefined };
}

function simulatedChain(config: StartConfig, clock: Clock): Chain {
  const network = networkOf(config);
  const nbits = nbitsFor(expectedHashrate(clock), DEMO_BLOCK_SECONDS);
  const schedule = (ms: number, task: () => void) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  };
  const modules = { clock, random: randomFraction, schedule };
  const reserve = reserveFor(payoutScript(config.payout, network), config.payoutByIdentity);
  const chain = new SimulatedChain({ network, nbits, reserve, ...DEMO_TEMPLATES }, modules);
  return {
    nodes: [chain],
    network,
    simulated: true,
    label: 'simulated chain',
    tune: (hashesPerSecond) => chain.setNbits(nbitsFor(hashesPerSecond, DEMO_BLOCK_SECONDS)),
  };
}
