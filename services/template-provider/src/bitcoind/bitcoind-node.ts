// One bitcoind as a source of work: tips by ZMQ with a poll as safety net, templates from a thread of their own,
// blocks by submitblock.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { decodeHeader } from '@sluice/bitcoin/header';
import { type Network, networkParameters } from '@sluice/bitcoin/network';
import { messageOf } from '@sluice/runtime/errors';
import { startThread } from '@sluice/runtime/thread';
import type { NodeListener, NodeSource, NodeTrouble, SubmitAnswer, TipOrigin } from '../node-source.ts';
import type { CoinbaseReserve, PreparedTemplate } from '../prepare-template.ts';
import { type BlockAnnouncements, subscribeToBlocks } from './block-announcements.ts';
import { HeaderChain, type HeaderNews } from './header-chain.ts';
import { type RpcAnswer, RpcClient, type RpcEndpoint, RpcError, RpcErrorCode } from './rpc-client.ts';
import { type ChainInfo, chainInfoOf, type HeaderInfo, headerInfoOf, signetFault } from './rpc-results.ts';
import type { TemplateThreadData, TemplateThreadReport, TemplateThreadRequest } from './template-messages.ts';

const RPC_TIMEOUT_MS = 10_000;
const SUBMIT_TIMEOUT_MS = 60_000;
/** How often the poll asks for the tip that ZMQ may have missed. */
const TIP_POLL_MS = 2_000;
/** Ancestors fetched for the median time of a tip that is not built on a known one. */
const ANCESTORS = 12;
/** A node whose clock is further off makes blocks that others refuse, or timestamps miners may not use. */
export const MAX_CLOCK_SKEW_SECONDS = 30;

/** A test network's block may have the easiest target when its time is more than this behind its parent's. */
const MINIMUM_DIFFICULTY_AFTER_SECONDS = 1_200;

/** bitcoind's word for each network. */
const CHAIN_NAMES: Record<Network, string> = {
  mainnet: 'main',
  testnet4: 'testnet4',
  signet: 'signet',
  regtest: 'regtest',
};

export interface BitcoindNodeOptions {
  readonly endpoint: RpcEndpoint;
  /** `tcp://host:port` of `-zmqpubrawblock` or `-zmqpubhashblock`; without it tips come by the poll alone. */
  readonly zmqBlock?: string;
  readonly network: Network;
  readonly reserve: CoinbaseReserve;
  readonly templatePollMs: number;
}

export interface BitcoindNodeModules {
  /** Unix milliseconds. */
  now(): number;
}

interface Trouble {
  readonly trouble: NodeTrouble;
  /** One line for the operator. */
  readonly detail: string;
}

export class BitcoindNode implements NodeSource {
  readonly name: string;
  readonly announces: boolean;
  readonly #options: BitcoindNodeOptions;
  readonly #now: () => number;
  readonly #rpc: RpcClient;
  readonly #headers: HeaderChain;
  readonly #stopped = new AbortController();
  #listener: NodeListener | undefined;
  #announcements: BlockAnnouncements | undefined;
  #templates: Worker | undefined;
  /** What the thread told last, and its number there. */
  #newest: { readonly number: number; readonly template: PreparedTemplate } | undefined;
  /** Variants that the thread is asked for, by request. */
  readonly #variants = new Map<number, (variant: PreparedTemplate | 'same' | 'gone') => void>();
  #lastRequest = 0;
  #rpcTrouble: Trouble | undefined;
  /** A node may answer everything but a request for a template: a template alone ends this trouble. */
  #templateTrouble: Trouble | undefined;
  #toldTrouble: NodeTrouble | undefined | 'nothing' = 'nothing';
  /** Hash of the last tip told, hexadecimal in wire order. */
  #toldTip = '';
  /** Announcements so far: what the node was asked before one of them may be out of date. */
  #announced = 0;
  #easierTarget: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;

  constructor(options: BitcoindNodeOptions, modules: BitcoindNodeModules) {
    this.#options = options;
    this.#now = modules.now;
    this.#rpc = new RpcClient(options.endpoint);
    this.#headers = new HeaderChain(options.network);
    this.name = this.#rpc.name;
    this.announces = options.zmqBlock !== undefined;
  }

  async start(listener: NodeListener): Promise<void> {
    this.#listener = listener;
    await this.#checkAndCatchUp();
    if (this.#options.zmqBlock !== undefined) {
      this.#announcements = subscribeToBlocks(this.#options.zmqBlock, {
        onHeader: (header) => this.#onHeader(header),
        onHash: (hash) => this.#onHash(hash),
        // What the announcement could not tell, the node is asked for.
        onFailure: () => void this.#checkAndCatchUp(),
      });
    }
    this.#polling = this.#poll();
  }

  async variant(base: PreparedTemplate, reserve: CoinbaseReserve): Promise<PreparedTemplate | undefined> {
    const newest = this.#newest;
    if (newest?.template !== base || this.#templates === undefined) return undefined;
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    const variant = await new Promise<PreparedTemplate | 'same' | 'gone'>((resolve) => {
      this.#variants.set(request, resolve);
      this.#ask({ kind: 'variant', request, template: newest.number, reserve });
    });
    if (variant === 'gone') return undefined;
    return variant === 'same' ? base : variant;
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

  async isInChain(hash: Uint8Array): Promise<boolean> {
    try {
      return headerInfoOf((await this.#call('getblockheader', [display(hash), true])).result).confirmations > 0;
    } catch (error) {
      if (error instanceof RpcError && error.code === RpcErrorCode.refused) return false;
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#easierTarget);
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

  #tellTrouble(): void {
    const { trouble, detail } = this.#rpcTrouble ??
      this.#templateTrouble ?? { trouble: undefined, detail: 'gives work' };
    if (this.#toldTrouble === trouble) return;
    this.#toldTrouble = trouble;
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
    const announced = this.#announced;
    try {
      const answer = await this.#call('getblockchaininfo', []);
      const info = chainInfoOf(answer.result);
      this.#rpcTrouble = this.#troubleOf(info, answer.nodeTime);
      if (this.#rpcTrouble === undefined) {
        // An announcement that came meanwhile is newer than this answer.
        if (this.#toldTip !== hex(info.bestBlockHash) && announced === this.#announced) {
          await this.#findTip(info.bestBlockHash, this.#toldTip === '' ? 'start' : 'poll', announced);
        }
        this.#startTemplates();
      }
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.#rpcTrouble = troubleOfError(error);
    }
    this.#tellTrouble();
  }

  #troubleOf(info: ChainInfo, nodeTime: number | undefined): Trouble | undefined {
    const wanted = CHAIN_NAMES[this.#options.network];
    if (info.chain !== wanted) {
      return { trouble: 'wrong-network', detail: `the node is on chain "${info.chain}", the pool on "${wanted}"` };
    }
    const fault = signetFault(info.signetChallenge);
    if (fault !== undefined) return { trouble: 'signet-challenge', detail: fault };
    if (nodeTime !== undefined) {
      // The header has whole seconds.
      const skew = Math.max(0, Math.abs(this.#now() / 1000 - nodeTime - 0.5) - 0.5);
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

  #onHeader(header: Uint8Array): void {
    this.#announced += 1;
    const news = this.#headers.place(header, this.#micros());
    // A block whose parent is unknown follows a reorganisation or a gap: the poll's way fetches what is missing.
    if (news === undefined) void this.#checkAndCatchUp();
    else this.#tellTip(news, 'announcement');
  }

  #onHash(hash: Uint8Array): void {
    this.#announced += 1;
    if (this.#toldTip === hex(hash)) return;
    this.#findTip(hash, 'announcement', this.#announced).catch(() => this.#checkAndCatchUp());
  }

  /** Tells a tip that only its hash is known of, unless another has been announced since the count was `announced`. */
  async #findTip(hash: Uint8Array, origin: TipOrigin, announced: number): Promise<void> {
    const seenAt = this.#micros();
    const raw = Buffer.from(String((await this.#call('getblockheader', [display(hash), false])).result), 'hex');
    const header = new Uint8Array(raw);
    let news = this.#headers.place(header, seenAt);
    if (news === undefined) {
      await this.#fetchAncestors(header.subarray(4, 36));
      news = this.#headers.place(header, seenAt);
    }
    if (news !== undefined && announced === this.#announced) this.#tellTip(news, origin);
  }

  #tellTip(news: HeaderNews, origin: TipOrigin): void {
    if (this.#toldTip === hex(news.hash)) return;
    this.#toldTip = hex(news.hash);
    this.#listener?.onTip(news, origin);
    this.#ask('tip-changed');
    this.#awaitEasierTarget(decodeHeader(news.header).ntime);
  }

  /** Where a late block may be easier, the template that says so is fetched when its time has come. */
  #awaitEasierTarget(parentTime: number): void {
    clearTimeout(this.#easierTarget);
    if (!networkParameters[this.#options.network].minimumDifficultyBlocks) return;
    const at = (parentTime + MINIMUM_DIFFICULTY_AFTER_SECONDS + 1) * 1000;
    this.#easierTarget = setTimeout(() => this.#ask('fetch'), Math.max(0, at - this.#now()));
  }

  #micros(): bigint {
    return BigInt(Math.round(this.#now() * 1000));
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
    const { endpoint, network, reserve, templatePollMs } = this.#options;
    const workerData: TemplateThreadData = { endpoint, network, reserve, pollMs: templatePollMs };
    const worker = startThread(new URL('./template-thread.ts', import.meta.url), { workerData });
    this.#templates = worker;
    worker.on('message', (report: TemplateThreadReport) => this.#onReport(report));
    worker.on('error', ({ message }) => {
      this.#templateTrouble = { trouble: 'no-template', detail: `the template thread failed: ${message}` };
      this.#tellTrouble();
    });
    worker.on('exit', () => {
      this.#templates = undefined;
      this.#newest = undefined;
      for (const request of this.#variants.keys()) this.#onVariant(request, 'gone');
    });
  }

  #onVariant(request: number, variant: PreparedTemplate | 'same' | 'gone'): void {
    this.#variants.get(request)?.(variant);
    this.#variants.delete(request);
  }

  #onReport(report: TemplateThreadReport): void {
    if (report.kind === 'variant') {
      this.#onVariant(report.request, report.variant);
      return;
    }
    if (report.kind === 'template') {
      this.#newest = report;
      this.#listener?.onTemplate(report.template);
    }
    this.#templateTrouble =
      report.kind === 'failure'
        ? { trouble: report.unauthorized ? 'unauthorized' : 'no-template', detail: report.detail }
        : undefined;
    this.#tellTrouble();
  }
}

function troubleOfError(error: unknown): Trouble {
  const unauthorized = error instanceof RpcError && error.code === RpcErrorCode.unauthorized;
  return { trouble: unauthorized ? 'unauthorized' : 'unreachable', detail: messageOf(error) };
}

const hex = (hash: Uint8Array) => Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('hex');
const display = (hash: Uint8Array) => Buffer.from(hash).reverse().toString('hex');
