// What one miner hashes on. Each share has an extranonce2 of its own, as those of a device of many TH/s have, so that neither side can use the merkle
// root of one for the next.
import { writeHeader } from '@sluice/bitcoin/header';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import { HARD_FROM, type SearchedWork } from '../share-search.ts';
import type { LoadJob, LoadTarget } from './jobs.ts';

const NONCES = 2 ** 32;
const COINBASE_BOUND = 65_536;
/** For all miners of a worker: one coinbase at a time. */
const coinbase = new Uint8Array(COINBASE_BOUND);
const root = new Uint8Array(32);

export class Sv1LoadWork implements SearchedWork {
  readonly header = new Uint8Array(80);
  position = 0;
  readonly found: number[] = [];
  job: LoadJob | undefined;
  readonly #extranonce: Uint8Array;
  readonly #extranonce2: Buffer;
  /** For jobs to come, and of this one. */
  #nextTarget: LoadTarget | undefined;
  #target: LoadTarget | undefined;
  #round = 0;
  #headerMade = false;

  constructor(extranonce1: Uint8Array, extranonce2Size: number) {
    const extranonce = Buffer.alloc(extranonce1.length + extranonce2Size);
    extranonce.set(extranonce1);
    this.#extranonce = extranonce;
    this.#extranonce2 = extranonce.subarray(extranonce1.length);
  }

  get hasJob(): boolean {
    return this.job !== undefined && this.#target !== undefined;
  }

  get target(): Uint8Array {
    return this.#target!.bytes;
  }

  get networkTarget(): Uint8Array {
    return this.job!.networkTarget;
  }

  get hashes(): number {
    return this.#target?.hashes ?? 1;
  }

  get isHard(): boolean {
    return this.hashes >= HARD_FROM;
  }

  get extranonce2Digits(): string {
    return this.#extranonce2.toString('hex');
  }

  setTarget(target: LoadTarget): void {
    this.#nextTarget = target;
  }

  onJob(job: LoadJob): void {
    this.job = job;
    this.#target = this.#nextTarget;
    this.taken();
  }

  /** Has the header ready for a search with nonces left; false: there is no job. */
  prepare(sha256d: Sha256dBackend): boolean {
    const { job } = this;
    if (job === undefined || this.#target === undefined) return false;
    if (this.#headerMade && this.position < NONCES) return true;
    this.#rollExtranonce2();
    this.#writeRoot(job, sha256d);
    writeHeader(this.header, job.version, job.prevHash, root, job.ntime, job.nbits, 0);
    this.position = 0;
    this.found.length = 0;
    this.#headerMade = true;
    return true;
  }

  /** The share that was found is sent: the next one is searched elsewhere. */
  taken(): void {
    this.#headerMade = false;
  }

  #rollExtranonce2(): void {
    const counted = Math.min(4, this.#extranonce2.length);
    this.#extranonce2.writeUIntBE(this.#round % 2 ** (8 * counted), this.#extranonce2.length - counted, counted);
    this.#round += 1;
  }

  #writeRoot({ coinbasePrefix, coinbaseSuffix, merklePath }: LoadJob, sha256d: Sha256dBackend): void {
    let length = 0;
    for (const part of [coinbasePrefix, this.#extranonce, coinbaseSuffix]) {
      coinbase.set(part, length);
      length += part.length;
    }
    sha256d.sha256dInto(coinbase, length, root);
    sha256d.foldMerkle(root, merklePath, root);
  }
}
