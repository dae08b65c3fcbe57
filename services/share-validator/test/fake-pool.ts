// A distributor and a gateway for the tests: jobs in the stream of jobs, and batches of shares with real work at easy targets.
import { encodeHeightPush } from '@sluice/bitcoin/coinbase';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { targetToBytes } from '@sluice/bitcoin/target';
import type { Bus, StreamMessage } from '@sluice/bus/bus';
import { channelKinds, PAYS_POOL } from '@sluice/bus/payloads/channel';
import { JobRecord } from '@sluice/bus/payloads/job-record';
import { type BatchChannel, ShareBatchWriter } from '@sluice/bus/payloads/share-batch';
import { subjectName } from '@sluice/bus/subjects';
import { buildJobCoinbase, emptyTemplate } from '@sluice/mining/build-job';
import { ExtranonceRange, FULL_EXTRANONCE_SIZE, standardPrefix } from '@sluice/mining/extranonce';
import { jobPaying, minerPayout } from '@sluice/mining/miner-payout';
import { ShareChecker } from '@sluice/mining/share-check';
import { ShareOutcome } from '@sluice/mining/share-outcome';
import { shareTarget } from '@sluice/mining/share-target';
import { JobHistory, type KnownJob } from '../src/job-history.ts';

/** Every fourth hash is a share; no hash is a block at NBITS. */
export const EASY = (1n << 254n) - 1n;
const NBITS = 0x1d00ffff;
/** Every second hash is a block, as on regtest. */
export const EVERY_SECOND = 0x207fffff;

/** What a gateway writes about one share. */
export interface TestShare {
  readonly channel: BatchChannel;
  readonly target: bigint;
  readonly jobId: number;
  readonly tipFeed: number;
  readonly nonce: number;
  readonly ntime: number;
  readonly version: number;
  readonly receivedAtMs: number;
  readonly extranonce: Uint8Array;
}

export class FakeDistributor {
  readonly #bus: Bus;
  readonly #nbits: number;
  readonly history: JobHistory;
  #feed = 0;
  #jobId = 0;
  #prevHash = new Uint8Array(32);
  #future = 0;

  constructor(bus: Bus, nbits = NBITS) {
    this.#bus = bus;
    this.#nbits = nbits;
    this.history = new JobHistory(bus);
  }

  /** Job id and feed number of the activation. */
  async newTip(mark: number, options: { readonly levels?: number } = {}): Promise<{ jobId: number; tipFeed: number }> {
    const jobId = await this.#job(true, options.levels ?? 0);
    this.#future = this.#feed;
    this.#prevHash = new Uint8Array(32).fill(mark);
    await this.activate(jobId);
    return { jobId, tipFeed: this.#feed };
  }

  /** Announces the tip that is there once more, as a new leader does. */
  async activate(jobId: number): Promise<number> {
    await this.#append({
      kind: 'activate',
      jobId,
      prevHash: this.#prevHash,
      nbits: this.#nbits,
      minNtime: Math.floor(Date.now() / 1000) - 10_000,
      height: 1_000,
      chainwork: 1n,
      seenAtMicros: BigInt(Date.now()) * 1_000n - 100_000_000_000n,
    });
    return this.#feed;
  }

  newJob(): Promise<number> {
    return this.#job(false, 0);
  }

  newFutureJob(): Promise<number> {
    return this.#job(true, 0);
  }

  async known(tipFeed: number, jobId: number): Promise<KnownJob> {
    // Read once: a gateway that holds a job goes on without the bus.
    const known = this.history.find(tipFeed, jobId) ?? (await this.history.fetch(tipFeed, jobId));
    if (typeof known === 'string') throw new Error(`job ${jobId} is ${known}`);
    return known;
  }

  async #job(future: boolean, levels: number): Promise<number> {
    this.#jobId += 16;
    const jobId = this.#jobId;
    const template = { ...emptyTemplate(1_000, 'regtest'), coinbasePrefix: encodeHeightPush(1_000) };
    await this.#append({
      kind: 'newJob',
      jobId,
      provider: 'p',
      templateId: 7n,
      future,
      height: 1_000,
      version: 0x20000000,
      prevHash: this.#prevHash,
      nbits: this.#nbits,
      minNtime: 0,
      merklePath: Array.from({ length: levels }, (_, level) => new Uint8Array(32).fill(level)),
      ...buildJobCoinbase(template, jobId, {
        payouts: [{ script: Uint8Array.of(0x51), weight: 1 }],
        tag: Buffer.from('/test/'),
      }),
      createdAtMicros: 0n,
    });
    return jobId;
  }

  async #append(draft: Draft): Promise<void> {
    this.#feed += 1;
    const position = { epoch: 1n, feed: BigInt(this.#feed), replayFrom: BigInt(this.#future || 1) };
    const payload = JobRecord.encode({ ...draft, ...position } as JobRecord);
    await this.#bus.append('JOBS', subjectName('jobs'), payload);
  }
}

type DraftOf<T> = T extends unknown ? Omit<T, 'epoch' | 'feed' | 'replayFrom'> : never;
type Draft = DraftOf<JobRecord>;

export class FakeGateway {
  readonly incarnation: bigint;
  readonly #range: ExtranonceRange;
  readonly #distributor: FakeDistributor;
  readonly #writer = new ShareBatchWriter();
  readonly #checker = new ShareChecker(wasmSha256d);
  #channels = 0;
  #nonce = 0;
  #batch = 0n;

  constructor(incarnation: number, distributor: FakeDistributor) {
    this.incarnation = BigInt(incarnation);
    this.#range = new ExtranonceRange(incarnation);
    this.#distributor = distributor;
  }

  /** With a `poolPercent` `identity` is an address of regtest, and shares are for the coinbase that pays it. */
  channel(
    kind: 'standard' | 'extended',
    identity = 'alice',
    worker = 'one',
    poolPercent: number = PAYS_POOL,
  ): BatchChannel {
    const prefix = this.#range.next() as Uint8Array;
    this.#channels += 1;
    return {
      channelKey: this.#channels,
      kind: channelKinds[kind],
      identity,
      worker,
      extranoncePrefix: kind === 'standard' ? standardPrefix(prefix) : prefix,
      poolPercent,
    };
  }

  /** A share that meets its target; `fields` change what is found before it is searched for. */
  async share(
    channel: BatchChannel,
    job: { readonly jobId: number; readonly tipFeed: number },
    fields: Partial<TestShare> = {},
    wanted: ShareOutcome = ShareOutcome.accepted,
  ): Promise<TestShare> {
    const known = await this.#distributor.known(job.tipFeed, job.jobId);
    const size = FULL_EXTRANONCE_SIZE - channel.extranoncePrefix.length;
    const found = {
      channel,
      target: EASY,
      ...job,
      nonce: 0,
      ntime: Math.floor(Date.now() / 1000),
      version: known.job.version,
      receivedAtMs: Date.now(),
      extranonce: new Uint8Array(size).fill(7),
      ...fields,
    };
    const target = shareTarget(found.target);
    const payout = minerPayout(channel.identity, channel.poolPercent, 'regtest');
    const work = payout === undefined ? known.job : jobPaying(known.job, payout);
    if (work === undefined) throw new Error('no coinbase that could be paid out');
    for (;;) {
      this.#nonce += 1;
      const outcome = this.#checker.judge(
        work,
        known.tip,
        false,
        target,
        channel.extranoncePrefix,
        size,
        undefined,
        this.#nonce,
        found.ntime,
        found.version,
        found.extranonce,
        0,
        found.extranonce.length,
        found.receivedAtMs,
      );
      if (outcome === wanted) return { ...found, nonce: this.#nonce };
      if (outcome !== ShareOutcome.accepted && outcome !== ShareOutcome.difficultyTooLow)
        throw new Error(`never ${wanted}, but ${outcome}`);
    }
  }

  /** The payload of the next batch, or of number `batch`. */
  batch(shares: readonly TestShare[], batch: bigint = this.#batch + 1n): Uint8Array {
    this.#batch = batch;
    const writer = this.#writer;
    writer.start(this.incarnation, batch);
    const channels = new Map<BatchChannel, number>();
    const targets = new Map<bigint, number>();
    for (const share of shares) {
      const { channel, target } = share;
      if (!channels.has(channel)) channels.set(channel, writer.addChannel(channel));
      if (!targets.has(target)) targets.set(target, writer.addTarget(targetToBytes(target)));
      writer.addShare(
        channels.get(channel) as number,
        targets.get(target) as number,
        share.jobId,
        share.nonce,
        share.ntime,
        share.version,
        0,
        share.tipFeed,
        share.receivedAtMs,
        share.extranonce,
        0,
        share.extranonce.length,
      );
    }
    return writer.finish();
  }

  async send(bus: Bus, shares: readonly TestShare[]): Promise<number> {
    const { sequence } = await bus.append('SHARES', subjectName('shares', this.incarnation), this.batch(shares));
    return sequence;
  }
}

/** A record as the stream would give it. */
export function record(sequence: number, payload: Uint8Array, storedAtMs = Date.now()): StreamMessage {
  return { subject: 'shares.1', sequence, payload, storedAtMs };
}
