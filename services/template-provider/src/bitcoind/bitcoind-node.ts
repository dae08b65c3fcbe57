// One bitcoind as a source of work: tips by ZMQ with a poll as safety net, templates from a thread of their own,
// blocks by submitblock.
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Network } from '@sluice/bitcoin/network';
import type { NodeListener, NodeSource, NodeTrouble, SubmitAnswer } from '../node-source.ts';
import type { CoinbaseReserve } from '../prepare-template.ts';
import { type BlockAnnouncements, subscribeToBlocks } from './block-announcements.ts';
import { HeaderChain } from './header-chain.ts';
import { type RpcAnswer, RpcClient, type RpcEndpoint, RpcError, RpcErrorCode } from './rpc-client.ts';
import { chainInfoOf, type HeaderInfo, headerInfoOf } from './rpc-results.ts';
import type { TemplateThreadData, TemplateThreadReport, TemplateThreadRequest } from './template-messages.ts';

const RPC_TIMEOUT_MS = 10_000;
const SUBMIT_TIMEOUT_MS = 60_000;
/** How often the poll asks for the tip that ZMQ may have missed. */
const TIP_POLL_MS = 2_000;
/** Ancestors fetched for the median time of a tip that is not built on a known one. */
const ANCESTORS = 12;
/** A node whose clock is further off makes blocks that others refuse, or timestamps miners may not use. */
export const MAX_CLOCK_SKEW_SECONDS = 30;

/** bitcoind's word for each network. */
const CHAIN_NAMES: Record<Network, string> = {
  mainnet: 'main',
  testnet4: 'testnet4',
  signet: 'signet',
  regtest: 'regtest',
};

export interface BitcoindNodeOptions {
  readonly endpoint: RpcEndpoint;
  /** `tcp://host:port` of `-zmqpubrawblock`; without it tips come by the poll alone. */
  readonly zmqRawBlock?: string;
  readonly network: Network;
  readonly reserve: CoinbaseReserve;
  readonly templatePollMs: number;
}

export interface BitcoindNodeModules {
  /** Unix milliseconds. */
  now(): number;
}

export class BitcoindNode implements NodeSource {
  readonly name: string;
  readonly #options: BitcoindNodeOptions;
  readonly #now: () => number;
  readonly #rpc: RpcClient;
  readonly #headers: HeaderChain;
  readonly #stopped = new AbortController();
  #listener: NodeListener | undefined;
  #announcements: BlockAnnouncements | undefined;
  #templates: Worker | undefined;
  #trouble: NodeTrouble | undefined | 'unknown' = 'unknown';
  /** Hash of the last tip told, hexadecimal in wire order. */
  #toldTip = '';
  #polling: Promise<void> | undefined;

  constructor(options: BitcoindNodeOptions, modules: BitcoindNodeModules) {
    this.#options = options;
    this.#now = modules.now;
    this.#rpc = new RpcClient(options.endpoint);
    this.#headers = new HeaderChain(options.network);
    this.name = this.#rpc.name;
  }

  async start(listener: NodeListener): Promise<void> {
    this.#listener = listener;
    await this.#checkAndCatchUp();
    if (this.#options.zmqRawBlock !== undefined) {
      this.#announcements = subscribeToBlocks(this.#options.zmqRawBlock, (block) => this.#onBlock(block));
    }
    this.#polling = this.#poll();
  }

  async submitBlock(block: Uint8Array): Promise<SubmitAnswer> {
    const hex = Buffer.from(block.buffer, block.byteOffset, block.length).toString('hex');
    try {
      const { result } = await this.#rpc.call('submitblock', [hex], { timeoutMs: SUBMIT_TIMEOUT_MS });
      return typeof result === 'string' ? result : null;
    } catch (error) {
      // A block that the node cannot even parse comes back as an error of the call: that too is an answer.
      if (error instanceof RpcError && error.code === RpcErrorCode.refused) return error.message;
      throw error;
    }
  }

  async block(hash: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      const { result } = await this.#call('getblock', [display(hash), 0]);
      return new Uint8Array(Buffer.from(String(result), 'hex'));
    } catch (error) {
      if (error instanceof RpcError && error.code === RpcErrorCode.refused) return undefined;
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#announcements?.close();
    this.#ask('stop');
    await this.#polling;
    await this.#templates?.terminate();
  }

  #ask(request: TemplateThreadRequest): void {
    this.#templates?.postMessage(request);
  }

  #call(method: string, parameters: readonly unknown[]): Promise<RpcAnswer> {
    return this.#rpc.call(method, parameters, { timeoutMs: RPC_TIMEOUT_MS, signal: this.#stopped.signal });
  }

  #tell(trouble: NodeTrouble | undefined, detail: string): void {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.#listener?.onHealth(trouble, detail);
  }

  async #poll(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      await sleep(TIP_POLL_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      if (!this.#stopped.signal.aborted) await this.#checkAndCatchUp();
    }
  }

  /** Asks how the node is; when it is well, makes sure that its tip has been told and that its templates flow. */
  async #checkAndCatchUp(): Promise<void> {
    try {
      const answer = await this.#call('getblockchaininfo', []);
      const trouble = this.#troubleOf(answer);
      if (trouble !== undefined) {
        this.#tell(trouble.trouble, trouble.detail);
        return;
      }
      const { bestBlockHash } = chainInfoOf(answer.result);
      if (this.#toldTip !== hex(bestBlockHash)) await this.#tellTip(bestBlockHash);
      this.#startTemplates();
      this.#tell(undefined, 'gives work');
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      const unauthorized = error instanceof RpcError && error.code === RpcErrorCode.unauthorized;
      this.#tell(unauthorized ? 'unauthorized' : 'unreachable', error instanceof Error ? error.message : String(error));
    }
  }

  #troubleOf(answer: RpcAnswer): { trouble: NodeTrouble; detail: string } | undefined {
    const info = chainInfoOf(answer.result);
    const wanted = CHAIN_NAMES[this.#options.network];
    if (info.chain !== wanted) {
      return { trouble: 'wrong-network', detail: `the node is on chain "${info.chain}", the pool on "${wanted}"` };
    }
    if (answer.nodeTime !== undefined) {
      // The header has whole seconds.
      const skew = Math.max(0, Math.abs(this.#now() / 1000 - answer.nodeTime - 0.5) - 0.5);
      if (skew > MAX_CLOCK_SKEW_SECONDS) {
        const detail = `the clocks of node and host differ by ${Math.round(skew)} s, at most ${MAX_CLOCK_SKEW_SECONDS} s are allowed`;
        return { trouble: 'clock-skew', detail };
      }
    }
    // A regtest chain whose last block is old counts as initial download until the first new block: it could never leave it.
    if (info.initialBlockDownload && this.#options.network !== 'regtest') {
      return { trouble: 'initial-block-download', detail: 'the node is still in its initial block download' };
    }
    return undefined;
  }

  #onBlock(block: Uint8Array): void {
    const seenAt = BigInt(Math.round(this.#now() * 1000));
    const news = this.#headers.place(block.slice(0, 80), seenAt);
    // A block whose parent is unknown follows a reorganisation or a gap: the poll's way fetches what is missing.
    if (news === undefined) void this.#checkAndCatchUp();
    else if (this.#toldTip !== hex(news.hash)) {
      this.#toldTip = hex(news.hash);
      this.#listener?.onTip(news);
      this.#ask('fetch');
    }
  }

  /** Tells a tip that only its hash is known of. */
  async #tellTip(hash: Uint8Array): Promise<void> {
    const seenAt = BigInt(Math.round(this.#now() * 1000));
    const header = Buffer.from(String((await this.#call('getblockheader', [display(hash), false])).result), 'hex');
    await this.#fetchAncestors(header.subarray(4, 36));
    const news = this.#headers.place(new Uint8Array(header), seenAt);
    // ZMQ may have been quicker while the ancestors came.
    if (news === undefined || this.#toldTip === hex(news.hash)) return;
    this.#toldTip = hex(news.hash);
    this.#listener?.onTip(news);
    this.#ask('fetch');
  }

  async #fetchAncestors(from: Uint8Array): Promise<void> {
    const found: HeaderInfo[] = [];
    let hash = from;
    for (let count = 0; count < ANCESTORS && hash.some((byte) => byte !== 0); count += 1) {
      const header = headerInfoOf((await this.#call('getblockheader', [display(hash), true])).result);
      found.push(header);
      hash = header.previousBlockHash;
    }
    for (const { previousBlockHash, ...header } of found.reverse()) {
      this.#headers.add({ ...header, previousHash: previousBlockHash });
    }
  }

  #startTemplates(): void {
    if (this.#templates !== undefined || this.#stopped.signal.aborted) return;
    const { endpoint, reserve, templatePollMs } = this.#options;
    const workerData: TemplateThreadData = { endpoint, reserve, pollMs: templatePollMs };
    const worker = new Worker(new URL('./template-thread.ts', import.meta.url), { workerData });
    this.#templates = worker;
    worker.on('message', (report: TemplateThreadReport) => {
      if (report.kind === 'template') this.#listener?.onTemplate(report.template);
      else this.#tell(report.unauthorized ? 'unauthorized' : 'unreachable', report.detail);
    });
    worker.on('error', (error) => this.#tell('unreachable', `the template thread failed: ${error.message}`));
    worker.on('exit', () => {
      this.#templates = undefined;
    });
  }
}

const hex = (hash: Uint8Array) => Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('hex');
const display = (hash: Uint8Array) => Buffer.from(hash).reverse().toString('hex');
