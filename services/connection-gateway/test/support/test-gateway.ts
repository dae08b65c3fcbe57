// A whole gateway on the in-process bus, with a channel-manager and a job-distributor of a few lines, and miners that speak real Noise
// over a pair of streams in memory.
import { type Duplex, duplexPair, Writable } from 'node:stream';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { MAX_TARGET } from '@sluice/bitcoin/target';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import {
  Acknowledgement,
  ChannelBlock,
  ChannelUpdate,
  ChannelUpdateReply,
  OpenReplies,
  type OpenReply,
  OpenRequests,
  PAYS_POOL,
  type WantedChannel,
} from '@sluice/bus/payloads/channel';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { subjectName } from '@sluice/bus/subjects';
import { generateSecret } from '@sluice/noise/ec';
import { fastestEc } from '@sluice/noise/fastest-ec';
import { wasmAead } from '@sluice/noise/wasm-aead';
import { ManualClock } from '@sluice/runtime/clock';
import { createLogger, type LogLevel } from '@sluice/runtime/logger';
import { randomBytes } from '@sluice/runtime/random';
import { findSecp256k1Wasm } from '@sluice/runtime/secp256k1-wasm';
import { selfCertified } from '@sluice/server/identity';
import { createCounters, type GatewayCounters } from '../../src/counters.ts';
import { Gateway } from '../../src/gateway.ts';
import { defaultLimits, type GatewayLimits } from '../../src/limits.ts';
import { TestMiner } from './test-miner.ts';

export const ec = fastestEc(findSecp256k1Wasm(), randomBytes);
export const aead = wasmAead();

/** No header meets it: shares are never blocks. */
const HARD_NBITS = 0x1d00ffff;
/** Nearly every header meets it: its target is 0xffff followed by thirty zero bytes. */
export const EASY_NBITS = 0x2100ffff;
export const INCARNATION = 7n;

export interface JobOptions {
  readonly jobId: number;
  readonly future: boolean;
  readonly minNtime?: number;
  readonly prevHash?: Uint8Array;
  readonly version?: number;
  readonly coinbaseSuffix?: Uint8Array;
}

export interface TestGatewayOptions {
  readonly limits?: Partial<GatewayLimits>;
  readonly bus?: Bus;
  readonly nbits?: number;
  /** Of the merkle path of each job; default 1. */
  readonly levels?: number;
  /** Default: nothing is logged. */
  readonly logLevel?: LogLevel;
}

export class TestGateway {
  readonly clock = new ManualClock();
  readonly authoritySecret = generateSecret(randomBytes);
  readonly counters: GatewayCounters = createCounters();
  readonly updates: ChannelUpdate[] = [];
  readonly opens: WantedChannel[] = [];
  /** What the registry was told last of each block. */
  readonly blocks = new Map<number, ChannelBlock>();
  readonly gateway: Gateway;
  readonly bus: Bus;
  /** What the gateway has logged, at debug and above, newest last; the first hundred lines. */
  readonly logged: Record<string, unknown>[] = [];
  /** What the channel-manager answers. */
  onOpen: (wanted: WantedChannel) => OpenReply | Promise<OpenReply> = (wanted) => opened(wanted);
  /** Whether the registry takes what it is told. */
  registryIsUp = true;
  onUpdate: (update: ChannelUpdate) => ChannelUpdateReply | Promise<ChannelUpdateReply> = () => ({
    errorCode: '',
    minTarget: 1n,
    maxTarget: MAX_TARGET,
    sharesPerMinute: 6,
  });
  /** Every connection was told of a tip. */
  onTipDone: () => void = () => undefined;
  readonly nbits: number;
  readonly #levels: number;
  #feed = 0;

  constructor(bus: Bus, options: TestGatewayOptions) {
    this.bus = bus;
    this.nbits = options.nbits ?? HARD_NBITS;
    this.#levels = options.levels ?? 1;
    const lines = new Writable({
      decodeStrings: false,
      write: (line: string, _encoding, done) => {
        remember(this.logged, JSON.parse(line) as Record<string, unknown>);
        done();
      },
    });
    const log = createLogger({
      name: 'gateway',
      level: options.logLevel ?? 'silent',
      format: 'json',
      destination: lines,
    });
    const modules = { ec, random: randomBytes, clock: this.clock, log };
    this.gateway = new Gateway(INCARNATION, {
      ...modules,
      bus,
      aead,
      sha256d: wasmSha256d,
      limits: { ...defaultLimits, shareWindowMs: 1, openDeadlineMs: 50, lingerMs: 50, ...options.limits },
      counters: this.counters,
      identity: selfCertified(this.authoritySecret, 86_400, modules),
      solutionEndpoints: [],
      observeAppend: () => undefined,
      observeTip: () => this.onTipDone(),
    });
  }

  static async start(options: TestGatewayOptions = {}): Promise<TestGateway> {
    const bus = options.bus ?? (await createInProcessBus({ onError: () => undefined }));
    const test = new TestGateway(bus, options);
    bus.serve(subjectName('channelOpen'), 'channel-manager', async (payload) => {
      const wanted = OpenRequests.decode(payload);
      for (const each of wanted) remember(test.opens, each);
      return OpenReplies.encode(await Promise.all(wanted.map((each) => test.onOpen(each))));
    });
    bus.serve(subjectName('channelUpdate'), 'channel-manager', async (payload) => {
      const update = ChannelUpdate.decode(payload);
      remember(test.updates, update);
      return ChannelUpdateReply.encode(await test.onUpdate(update));
    });
    bus.serve(subjectName('channelBlock'), 'channel-manager', (payload) => {
      if (!test.registryIsUp) throw new Error('down');
      const block = ChannelBlock.decode(payload);
      test.blocks.set(block.block, block);
      return Acknowledgement.encode({});
    });
    await test.job({ jobId: 16, future: true });
    await test.tip(16, test.prevHash(1));
    await test.gateway.feed.open();
    return test;
  }

  prevHash(fill: number): Uint8Array {
    return new Uint8Array(32).fill(fill);
  }

  get nowSeconds(): number {
    return Math.floor(this.clock.now() / 1_000);
  }

  /** Publishes a job; resolves when the gateway has it. */
  async job({ jobId, future, minNtime, prevHash, version, coinbaseSuffix }: JobOptions): Promise<void> {
    await this.#append({
      kind: 'newJob',
      ...this.#position(),
      jobId,
      provider: 'test',
      templateId: BigInt(jobId),
      future,
      height: 100,
      version: version ?? 0x20000000,
      prevHash: prevHash ?? this.prevHash(1),
      nbits: this.nbits,
      minNtime: minNtime ?? this.nowSeconds,
      merklePath: Array.from({ length: this.#levels }, () => new Uint8Array(32).fill(0x55)),
      ...coinbase(jobId),
      ...(coinbaseSuffix === undefined ? {} : { coinbaseSuffix }),
      createdAtMicros: 0n,
    });
  }

  /** Publishes a new tip. */
  async tip(jobId: number, prevHash: Uint8Array, nbits = this.nbits): Promise<void> {
    await this.#append({
      kind: 'activate',
      ...this.#position(),
      jobId,
      prevHash,
      nbits,
      minNtime: this.nowSeconds,
      height: 100,
      chainwork: 1n,
      seenAtMicros: BigInt(this.clock.now()) * 1_000n,
    });
  }

  /** A socket that the gateway has accepted: the miner's end. */
  connect(address = '192.0.2.1'): Duplex {
    const [near, far] = duplexPair();
    this.gateway.accept(near, address);
    return far;
  }

  /** A miner behind its handshake. */
  async miner(address?: string): Promise<TestMiner> {
    const miner = new TestMiner(this.connect(address), {
      ec,
      aead,
      random: randomBytes,
      now: this.nowSeconds,
      authorityKey: ec.xOnlyPublicKey(this.authoritySecret),
    });
    await miner.handshake();
    return miner;
  }

  async stop(): Promise<void> {
    for (const connection of this.gateway.connections.values()) connection.cut('drained');
    await this.gateway.feed.close();
    this.gateway.close();
    await this.bus.close();
  }

  #position() {
    this.#feed += 1;
    return { epoch: 1n, feed: BigInt(this.#feed), replayFrom: 1n };
  }

  async #append(record: JobRecord): Promise<void> {
    await this.bus.append('JOBS', subjectName('jobs'), JobRecord.encode(record));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Long runs must not find their own memory growing. */
function remember<T>(list: T[], item: T): void {
  if (list.length < 100) list.push(item);
}

/** An answer with the easiest targets: every hash is a share. */
export function opened({ identity }: WantedChannel, firstTarget = MAX_TARGET): OpenReply {
  return {
    kind: 'opened',
    identity,
    worker: 'rig',
    firstTarget,
    minTarget: 1n,
    maxTarget: MAX_TARGET,
    sharesPerMinute: 6,
    poolPercent: PAYS_POOL,
    payoutScript: new Uint8Array(),
  };
}

/** A coinbase of one input and one output, around 20 bytes of extranonce. */
function coinbase(jobId: number): { readonly coinbasePrefix: Uint8Array; readonly coinbaseSuffix: Uint8Array } {
  const script = [0x03, 100, 0, 0, 0x01, jobId & 0xff, 20];
  const prefix = [2, 0, 0, 0, 1, ...new Array(32).fill(0), 0xff, 0xff, 0xff, 0xff, script.length + 20, ...script];
  const suffix = [0xfe, 0xff, 0xff, 0xff, 1, ...new Array(8).fill(1), 1, 0x51, 99, 0, 0, 0];
  return { coinbasePrefix: Uint8Array.from(prefix), coinbaseSuffix: Uint8Array.from(suffix) };
}
