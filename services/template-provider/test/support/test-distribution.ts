// A whole server of template distribution, its node a script: tips and templates by command, and clients that speak real Noise over a
// pair of streams in memory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, duplexPair, Writable } from 'node:stream';
import { encodeHeader } from '@sluice/bitcoin/header';
import { subsidy } from '@sluice/bitcoin/network';
import type { Solution } from '@sluice/bus/payloads/solution';
import { generateSecret } from '@sluice/noise/ec';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { ManualClock } from '@sluice/runtime/clock';
import { createLogger } from '@sluice/runtime/logger';
import { MetricsRegistry } from '@sluice/runtime/metrics';
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { selfCertified } from '@sluice/server/identity';
import type { BlockTemplate, TemplateTransaction } from '../../src/block-template.ts';
import { KeptTemplates } from '../../src/kept-templates.ts';
import type { TipNews } from '../../src/node-source.ts';
import { type PreparedTemplate, prepareTemplate } from '../../src/prepare-template.ts';
import { RequiredWork } from '../../src/required-work.ts';
import { decodeTemplateBody } from '../../src/template-body.ts';
import { type DistributionLimits, defaultLimits } from '../../src/template-distribution/limits.ts';
import {
  TemplateDistribution,
  type TemplateDistributionOptions,
} from '../../src/template-distribution/template-distribution.ts';
import { type TemplateName, TemplateStore } from '../../src/template-store.ts';
import { TestTemplateClient } from './test-template-client.ts';

export const ec = fastestEc(findSecp256k1Wasm(), randomBytes);
const aead = wasmAead();

/** Half of all hashes meet it. */
export const EASY_NBITS = 0x207fffff;
const OWN = { outputsSize: 100, outputsSigops: 4 };
const FIRST_HEIGHT = 100;

export interface TestDistributionOptions extends Partial<Omit<TemplateDistributionOptions, 'limits'>> {
  readonly limits?: Partial<DistributionLimits>;
  /** Of an earlier one: its folder and clock. */
  readonly after?: TestDistribution;
}

export class TestDistribution {
  readonly clock: ManualClock;
  readonly directory: string;
  readonly registry = new MetricsRegistry();
  readonly logged: Record<string, unknown>[] = [];
  readonly submitted: Solution[] = [];
  /** What was told to be live last. */
  live: readonly TemplateName[] = [];
  readonly work = new RequiredWork('regtest');
  readonly store: TemplateStore;
  readonly server: TemplateDistribution;
  readonly #authoritySecret = generateSecret(randomBytes);
  #news: TipNews | undefined;
  #told: { readonly template: BlockTemplate; readonly prepared: PreparedTemplate } | undefined;
  /** The node has a newer template than the one that it told. */
  gone = false;
  /** The node cannot make more room than it was asked for. */
  cannotShrink = false;

  private constructor({ limits, after, ...options }: TestDistributionOptions) {
    this.clock = after?.clock ?? new ManualClock();
    this.directory = after?.directory ?? mkdtempSync(join(tmpdir(), 'sluice-distribution-'));
    this.store = new TemplateStore({ directory: this.directory, maxBytes: 1e9 }, this.clock);
    const lines = new Writable({
      decodeStrings: false,
      write: (line: string, _encoding, done) => {
        this.logged.push(JSON.parse(line) as Record<string, unknown>);
        done();
      },
    });
    const log = createLogger({ name: 'test', level: 'debug', format: 'json', destination: lines });
    const modules = { ec, random: randomBytes, clock: this.clock, log };
    this.server = new TemplateDistribution(
      {
        provider: 'a',
        network: 'regtest',
        listen: [],
        limits: { ...defaultLimits, lingerMs: 20, ...limits },
        reserve: OWN,
        directory: this.directory,
        refreshMs: 30_000,
        feeDelta: 1_000,
        ahead: false,
        ...options,
      },
      {
        ...modules,
        aead,
        metrics: this.registry,
        identity: selfCertified(this.#authoritySecret, 86_400, modules),
        kept: new KeptTemplates('a', { store: this.store, clock: this.clock }),
        variant: async (base, reserve) => {
          const told = this.#told;
          if (told?.prepared !== base || this.gone) return undefined;
          if (this.cannotShrink) return 'no-room';
          const prepared = prepareTemplate(told.template, reserve);
          return prepared.transactionCount === base.transactionCount ? base : prepared;
        },
        transactions: async (provider, id) => {
          const body = await this.store.get(provider, id);
          return body && decodeTemplateBody(body);
        },
        workFault: (header, hash) => this.work.fault(header, hash),
        submit: (solution) => void this.submitted.push(solution),
        onLive: (live) => {
          this.live = live;
        },
        onTold: (prevHash, nbits) => this.work.learn(prevHash, nbits),
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms / 10)),
      },
    );
  }

  static async start(options: TestDistributionOptions = {}): Promise<TestDistribution> {
    const test = new TestDistribution(options);
    await test.store.load();
    await test.server.load();
    return test;
  }

  get tip(): TipNews {
    if (this.#news === undefined) throw new Error('no tip yet');
    return this.#news;
  }

  /** The node's news of a block, by default on the last one. */
  newTip(changes: Partial<TipNews> & { readonly parent?: Uint8Array } = {}): TipNews {
    const last = this.#news;
    const height = changes.height ?? (last?.height ?? FIRST_HEIGHT - 1) + 1;
    const prevHash = changes.parent ?? last?.hash ?? new Uint8Array(32);
    const fields = { version: 2, prevHash, merkleRoot: new Uint8Array(32), ntime: 1, nbits: EASY_NBITS, nonce: 0 };
    const news: TipNews = {
      hash: new Uint8Array(randomBytes(32)),
      header: encodeHeader(fields),
      height,
      chainwork: BigInt(height),
      minNtime: this.nowSeconds - 10,
      nextNbits: EASY_NBITS,
      seenAtMicros: BigInt(this.clock.now()) * 1_000n,
      ...changes,
    };
    this.#news = news;
    this.work.learn(news.hash, news.nextNbits);
    this.server.tip(news);
    return news;
  }

  /** The node's template on the tip. */
  newTemplate(
    transactions: readonly TemplateTransaction[] = [],
    changes: Partial<BlockTemplate> = {},
    node = 'node',
  ): PreparedTemplate {
    const fees = transactions.reduce((sum, { fee }) => sum + fee, 0n);
    const template: BlockTemplate = {
      height: this.tip.height + 1,
      previousBlockHash: this.tip.hash,
      version: 0x2000_0000,
      nbits: EASY_NBITS,
      minTime: this.tip.minNtime,
      currentTime: this.nowSeconds,
      coinbaseValue: subsidy(this.tip.height + 1, 'regtest') + fees,
      weightLimit: 4_000_000,
      sigopsCostLimit: 80_000,
      transactions,
      ...changes,
    };
    const prepared = prepareTemplate(template, OWN);
    this.#told = { template, prepared };
    this.work.learn(prepared.prevHash, prepared.nbits);
    this.server.template(prepared, this.tip.chainwork, node);
    return prepared;
  }

  get nowSeconds(): number {
    return Math.floor(this.clock.now() / 1_000);
  }

  /** Lets time pass, and does what a second's timer would. */
  pass(ms: number): void {
    this.clock.advance(ms);
    this.server.sweep();
  }

  /** A socket that the server has accepted: the client's end. */
  socket(): Duplex {
    const [near, far] = duplexPair();
    this.server.accept(near, '192.0.2.1');
    return far;
  }

  /** A client behind its handshake. */
  async greeted(): Promise<TestTemplateClient> {
    const authorityKey = ec.xOnlyPublicKey(this.#authoritySecret);
    const client = new TestTemplateClient(this.socket(), { ec, aead, now: this.nowSeconds, authorityKey });
    await client.handshake();
    return client;
  }

  /** A client behind SetupConnection. */
  async client(): Promise<TestTemplateClient> {
    const client = await this.greeted();
    await client.setup();
    return client;
  }

  /** One metric, added up over its labels or of those alone that are named. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const series = await this.registry.series(`sluice_template_distribution_${name}`);
    return series
      .filter((one) => Object.entries(labels).every(([label, value]) => one.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** What was logged with this message. */
  lines(message: string): Record<string, unknown>[] {
    return this.logged.filter(({ msg }) => msg === message);
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Of a weight, with a fee. */
export function transaction(number: number, weight = 400, fee = 1_000n): TemplateTransaction {
  const txid = new Uint8Array(32);
  new DataView(txid.buffer).setUint32(0, number + 1);
  return { data: new Uint8Array(10).fill(number), txid, wtxid: txid, fee, sigopsCost: 4, weight };
}
