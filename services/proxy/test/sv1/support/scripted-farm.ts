// A farm that does what a test says: it gives places, remembers what miners hand in, and tells them jobs and targets when asked to.
import { targetOfDifficulty } from '@sluice/bitcoin/target';
import { shareTarget } from '@sluice/mining/share-target';
import type { FarmJob, Miner, MinerClaim, MinerListener, MinerPlaces, ShareAnswer } from '../../../src/miners/miner.ts';

export interface ScriptedShare {
  readonly jobId: number;
  /** Hexadecimal. */
  readonly extranonce2: string;
  readonly ntime: number;
  readonly nonce: number;
  readonly version: number;
  readonly request: string;
}

export const JOB_VERSION = 0x2000_0000;
export const JOB_NTIME = 0x6553_f100;

class ScriptedPlace implements Miner {
  readonly extranonce1: Uint8Array;
  readonly extranonce2Size = 4;
  readonly users: string[] = [];
  readonly wishes: number[] = [];
  readonly claims: MinerClaim[] = [];
  readonly shares: ScriptedShare[] = [];
  /** Codes of shares that were refused for their form. */
  readonly formRefusals: string[] = [];
  closed = false;
  readonly #farm: ScriptedFarm;
  readonly #listener: MinerListener;

  constructor(number: number, farm: ScriptedFarm, listener: MinerListener) {
    this.extranonce1 = Uint8Array.of(number >>> 8, number);
    this.#farm = farm;
    this.#listener = listener;
  }

  authorize(user: string): void {
    this.users.push(user);
    if (this.users.length > 1) return;
    this.target(this.#farm.difficulty);
    if (this.#farm.job !== undefined) this.job(this.#farm.job, true);
  }

  suggestDifficulty(difficulty: number): void {
    this.wishes.push(difficulty);
  }

  claim(claim: MinerClaim): boolean {
    this.claims.push(claim);
    return false;
  }

  versionOf(jobId: number): number | undefined {
    return this.#farm.jobs.get(jobId)?.version;
  }

  submit(jobId: number, extranonce2: Uint8Array, ntime: number, nonce: number, version: number, request: string): void {
    const share = { jobId, extranonce2: Buffer.from(extranonce2).toString('hex'), ntime, nonce, version, request };
    this.shares.push(share);
    const answer = this.#farm.judge(share);
    if (answer !== undefined) this.answer(request, answer);
  }

  refusedForm(code: string): void {
    this.formRefusals.push(code);
  }

  close(): void {
    this.closed = true;
  }

  get isAtWork(): boolean {
    return this.users.length > 0 && !this.closed;
  }

  target(difficulty: number): void {
    if (!this.closed) this.#listener.onTarget(shareTarget(targetOfDifficulty(difficulty)));
  }

  job(job: FarmJob, clean: boolean): void {
    if (!this.closed) this.#listener.onJob(job, clean);
  }

  answer(request: string, answer: ShareAnswer): void {
    if (!this.closed) this.#listener.onAnswer(request, answer);
  }
}

export class ScriptedFarm implements MinerPlaces {
  readonly places: ScriptedPlace[] = [];
  readonly jobs = new Map<number, FarmJob>();
  job: FarmJob | undefined;
  difficulty = 1024;
  capacity = 65_535;
  /** What becomes of a share at once; `undefined`: the test answers it later. */
  judge: (share: ScriptedShare) => ShareAnswer | undefined = ({ jobId }) =>
    this.jobs.has(jobId) ? '' : 'invalid-job-id';

  open(listener: MinerListener): Miner | undefined {
    if (this.places.filter(({ closed }) => !closed).length >= this.capacity) return undefined;
    const place = new ScriptedPlace(this.places.length + 1, this, listener);
    this.places.push(place);
    return place;
  }

  /** The place that was opened last. */
  get last(): ScriptedPlace {
    const last = this.places.at(-1);
    if (last === undefined) throw new Error('nobody has a place');
    return last;
  }

  /** A job that nobody is told of. */
  makeJob(changed: Partial<FarmJob> = {}): FarmJob {
    const job: FarmJob = {
      id: this.jobs.size + 1,
      version: JOB_VERSION,
      versionMask: 0x1fff_ffe0,
      prevHash: Uint8Array.from({ length: 32 }, (_, index) => index),
      nbits: 0x1703_a30c,
      ntime: JOB_NTIME,
      minNtime: JOB_NTIME,
      coinbasePrefix: Uint8Array.of(1, 2, 3),
      coinbaseSuffix: Uint8Array.of(4, 5),
      merklePath: [new Uint8Array(32).fill(0x11)],
      ...changed,
    };
    this.jobs.set(job.id, job);
    this.job = job;
    return job;
  }

  /** Tells everyone at work. */
  tell(job: FarmJob, clean = false): void {
    for (const place of this.places) if (place.isAtWork) place.job(job, clean);
  }
}
