// A farm between upstreams that a test plays and miners that really hash.
import { writeHeader } from '@sluice/bitcoin/header';
import { foldMerklePath } from '@sluice/bitcoin/merkle';
import { nobleSha256d } from '@sluice/bitcoin/sha256d';
import { wasmSha256d } from '@sluice/bitcoin/sha256d-wasm';
import { meetsTarget } from '@sluice/bitcoin/target';
import { type ShareTarget, shareTarget } from '@sluice/mining/share-target';
import { ManualClock } from '@sluice/runtime/clock';
import { createCounters } from '../../src/counters.ts';
import { FARM_TICK_MS, Farm, type FarmModules } from '../../src/miners/farm.ts';
import type { FarmPolicy } from '../../src/miners/farm-miner.ts';
import type { FarmJob, Miner, MinerListener } from '../../src/miners/miner.ts';
import { hashesOfDifficulty } from '../../src/miners/miner-target.ts';
import { Workers } from '../../src/statistics/workers.ts';
import type { ShareOwner, UpstreamLink, UpstreamShare, UpstreamWork } from '../../src/upstream/upstream-work.ts';
import { HARD_NBITS, newJob, PREFIX, TIME } from '../upstream/told-work.ts';

/** A share takes 64 hashes. */
export const FIRST_DIFFICULTY = 2 ** -26;
/** One for the upstream takes 1,024. */
export const UPSTREAM_TARGET = 1n << 246n;

/** Upstreams in the list; the first one is in use. */
const UPSTREAMS = 3;

interface Forwarded extends UpstreamShare {
  readonly owner: ShareOwner | undefined;
  readonly request: string;
}

export class FakeUpstream implements UpstreamLink {
  isOpen = true;
  readonly shares: Forwarded[] = [];

  submit(share: UpstreamShare, owner: ShareOwner | undefined, request: string): void {
    this.shares.push({ ...share, extranonce: Uint8Array.from(share.extranonce), owner, request });
  }

  work(jobId: number, block: number, changes: Partial<UpstreamWork> = {}): UpstreamWork {
    const { coinbaseTxPrefix, coinbaseTxSuffix, version, versionRollingAllowed } = newJob(jobId);
    return {
      ...{ link: this, jobId, version, versionRollingAllowed, nbits: HARD_NBITS, minNtime: TIME },
      prevHash: new Uint8Array(32).fill(block),
      coinbasePrefix: Buffer.concat([coinbaseTxPrefix, PREFIX]),
      coinbaseSuffix: coinbaseTxSuffix,
      merklePath: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)],
      extranonceSize: 10,
      target: shareTarget(UPSTREAM_TARGET),
      ...changes,
    };
  }
}

/** Header hash of a share as an upstream makes it, 32 bytes. */
export function hashOf({ work, extranonce, nonce, ntime, version }: UpstreamShare): Uint8Array {
  const coinbase = Buffer.concat([work.coinbasePrefix, extranonce, work.coinbaseSuffix]);
  const root = foldMerklePath(nobleSha256d.sha256d(coinbase), work.merklePath);
  const header = new Uint8Array(80);
  writeHeader(header, version, work.prevHash, root, ntime, work.nbits, nonce);
  return nobleSha256d.sha256d(header);
}

export interface FoundShare {
  readonly job: FarmJob;
  readonly extranonce2: Uint8Array;
  readonly ntime: number;
  readonly nonce: number;
  readonly version: number;
}

export interface Wanted {
  /** The hash is not above it. */
  readonly meets: bigint;
  /** The hash is above it; default: anything. */
  readonly misses?: bigint;
  readonly ntime?: number;
  readonly version?: number;
}

export class FakeMiner implements MinerListener {
  agent = 'fake/1';
  readonly remoteAddress = '192.0.2.1';
  readonly jobs: { readonly job: FarmJob; readonly clean: boolean }[] = [];
  readonly targets: ShareTarget[] = [];
  /** By request. */
  readonly answers = new Map<string, string>();
  miner!: Miner;
  /** Called with each answer. */
  onAnswered = () => {};
  #requests = 0;
  #extranonces = 0;

  get job(): FarmJob {
    const last = this.jobs.at(-1);
    if (last === undefined) throw new Error('the miner has no job');
    return last.job;
  }

  get target(): bigint {
    return this.targets.at(-1)?.value ?? -1n;
  }

  onTarget(target: ShareTarget): void {
    this.targets.push(target);
  }

  onJob(job: FarmJob, clean: boolean): void {
    this.jobs.push({ job, clean });
  }

  onAnswer(request: string, answer: string): void {
    if (this.answers.has(request)) throw new Error(`request ${request} was answered twice`);
    this.answers.set(request, answer);
    this.onAnswered();
  }

  /** Hashes until it has one, on an extranonce that it never had before. */
  find(job: FarmJob, wanted: Wanted): FoundShare {
    const extranonce2 = new Uint8Array(this.miner.extranonce2Size);
    this.#extranonces += 1;
    new DataView(extranonce2.buffer).setUint16(0, this.#extranonces);
    const coinbase = Buffer.concat([job.coinbasePrefix, this.miner.extranonce1, extranonce2, job.coinbaseSuffix]);
    const root = foldMerklePath(nobleSha256d.sha256d(coinbase), job.merklePath);
    const { ntime = job.ntime, version = job.version, meets, misses } = wanted;
    const header = new Uint8Array(80);
    writeHeader(header, version, job.prevHash, root, ntime, job.nbits, 0);
    const [easy, hard] = [shareTarget(meets).bytes, misses === undefined ? undefined : shareTarget(misses).bytes];
    const hash = new Uint8Array(32);
    for (let nonce = 0; nonce < 200_000; nonce += 1) {
      new DataView(header.buffer).setUint32(76, nonce, true);
      wasmSha256d.header(header, hash);
      if (meetsTarget(hash, easy) && !(hard !== undefined && meetsTarget(hash, hard)))
        return { job, extranonce2, ntime, nonce, version };
    }
    throw new Error('no share in 200,000 hashes');
  }

  /** Its answer; `undefined` while there is none. */
  submit(share: FoundShare, changes: Partial<FoundShare> & { readonly jobId?: number } = {}): string | undefined {
    const { job, extranonce2, ntime, nonce, version, jobId = job.id } = { ...share, ...changes };
    this.#requests += 1;
    const request = String(this.#requests);
    this.miner.submit(jobId, extranonce2, ntime, nonce, version, request);
    return this.answers.get(request);
  }

  /** A good share that stays in the farm. */
  kept(job = this.job): string | undefined {
    return this.submit(this.find(job, { meets: this.target, misses: UPSTREAM_TARGET }));
  }

  /** A share that goes up. */
  forwarded(job = this.job): string | undefined {
    return this.submit(this.find(job, { meets: UPSTREAM_TARGET }));
  }
}

export class FakeFarm {
  readonly clock = new ManualClock(TIME * 1_000);
  readonly counters = createCounters();
  readonly workers = new Workers();
  readonly farm: Farm;
  /** Shares are judged as they come: nothing else does meanwhile. */
  later = (task: () => void): void => task();

  /** @param openChannel of single miners; without it they have none. */
  constructor(policy: Partial<FarmPolicy> = {}, openChannel?: FarmModules['openChannel']) {
    this.farm = new Farm(
      {
        ...{ extranonce2Size: 4, sharesPerMinute: 6 },
        firstHashes: hashesOfDifficulty(FIRST_DIFFICULTY),
        easiestHashes: hashesOfDifficulty(2 ** -30),
        ...policy,
      },
      UPSTREAMS,
      {
        clock: this.clock,
        sha256d: wasmSha256d,
        counters: this.counters,
        workers: this.workers,
        openChannel,
        later: (task) => this.later(task),
        rests: { onShare: () => {} },
      },
    );
  }

  /** A miner with a place, not authorized. */
  open(): FakeMiner {
    const fake = new FakeMiner();
    const miner = this.farm.open(fake);
    if (miner === undefined) throw new Error('all places are taken');
    fake.miner = miner;
    return fake;
  }

  /** A miner at work. */
  join(user = 'farm.rig-1'): FakeMiner {
    const fake = this.open();
    fake.miner.authorize(user);
    return fake;
  }

  /** Lets so many seconds pass, with the ticks in them. */
  pass(seconds: number): void {
    for (let ms = 0; ms < seconds * 1_000; ms += FARM_TICK_MS) {
      this.clock.advance(FARM_TICK_MS);
      this.farm.tick();
    }
  }
}
