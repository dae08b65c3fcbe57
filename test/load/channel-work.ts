// The jobs of one channel, and the header that is hashed on. Nothing is parsed before a share is wanted, so that a tip costs a
// connection as little as it can.
import { writeHeader } from '@sluice/bitcoin/header';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import { compactToTarget, targetFromBytes, targetToBytes } from '@sluice/bitcoin/target';
import { rollVersion } from '@sluice/miner/search-space';
import { hashesOfTarget } from '@sluice/mining/vardiff-difficulty';
import { readU32 } from '@sluice/sv2/bytes';
import { NewExtendedMiningJob } from '@sluice/sv2/messages/mining/new-extended-mining-job';
import { NewMiningJob } from '@sluice/sv2/messages/mining/new-mining-job';
import type { SetNewPrevHash } from '@sluice/sv2/messages/mining/set-new-prev-hash';
import { decode } from './decode.ts';
import { HARD_FROM, type SearchedWork } from './share-search.ts';

/** As many as a client may be expected to keep; the oldest goes. */
const MAX_FUTURE_JOBS = 16;
const NONCES = 2 ** 32;

/** A job as it came, in memory of its own. */
export interface StoredJob {
  readonly jobId: number;
  /** Absent: it waits for its tip. */
  readonly minNtime: number | undefined;
  readonly standard: boolean;
  readonly payload: Uint8Array;
}

/** The fields that both kinds of job begin with. */
export function storeJob(payload: Uint8Array, standard: boolean): StoredJob {
  const active = payload[8] === 1;
  return {
    jobId: readU32(payload, 4),
    minNtime: active ? readU32(payload, 9) : undefined,
    standard,
    payload: Uint8Array.from(payload),
  };
}

export class ChannelWork implements SearchedWork {
  readonly header = new Uint8Array(80);
  /** 32 bytes each, in force for the active job. */
  target: Uint8Array;
  networkTarget: Uint8Array = new Uint8Array(32);
  /** Expected for a share. */
  hashes = 1;
  /** Where the search goes on: counts on over jobs, since two of them may have the same header. */
  position = 0;
  /** Nonces that meet the target and are not sent yet. */
  readonly found: number[] = [];
  jobId = 0;
  version = 0;
  ntime = 0;
  extranonce: Uint8Array;
  readonly #prefix: Uint8Array;
  /** For jobs to come. */
  #nextTarget: Uint8Array;
  readonly #future = new Map<number, StoredJob>();
  #active: StoredJob | undefined;
  #tip: SetNewPrevHash | undefined;
  #headerMade = false;
  /** Headers used up by the search: each rolls the extranonce or the version. */
  #round = 0;

  constructor(prefix: Uint8Array, extranonceSize: number, target: Uint8Array) {
    this.#prefix = prefix;
    this.extranonce = new Uint8Array(extranonceSize);
    this.#nextTarget = target;
    this.target = target;
  }

  get hasJob(): boolean {
    return this.#active !== undefined;
  }

  get isHard(): boolean {
    return this.hashes >= HARD_FROM;
  }

  setTarget(target: Uint8Array): void {
    this.#nextTarget = target;
  }

  onJob(job: StoredJob): void {
    if (job.minNtime !== undefined) {
      if (this.#tip !== undefined) this.#activate(job);
      return;
    }
    this.#future.delete(job.jobId);
    this.#future.set(job.jobId, job);
    for (const oldest of this.#future.keys()) {
      if (this.#future.size <= MAX_FUTURE_JOBS) break;
      this.#future.delete(oldest);
    }
  }

  onTip(tip: SetNewPrevHash): void {
    const job = this.#future.get(tip.jobId);
    this.#future.clear();
    this.#tip = tip;
    this.#active = undefined;
    if (job !== undefined) this.#activate(job);
  }

  #activate(job: StoredJob): void {
    this.#active = job;
    this.jobId = job.jobId;
    this.target = this.#nextTarget;
    this.#headerMade = false;
    this.found.length = 0;
  }

  /** Has the header ready for a search with nonces left; false: there is no job. */
  prepare(sha256d: Sha256dBackend): boolean {
    const job = this.#active;
    const tip = this.#tip;
    if (job === undefined || tip === undefined) return false;
    if (this.position >= NONCES && this.found.length === 0) {
      this.position = 0;
      this.#round += 1;
      this.#headerMade = false;
    }
    if (!this.#headerMade) this.#makeHeader(job, tip, sha256d);
    return true;
  }

  #makeHeader(job: StoredJob, tip: SetNewPrevHash, sha256d: Sha256dBackend): void {
    this.#headerMade = true;
    this.ntime = Math.max(tip.minNtime, job.minNtime ?? 0);
    let root: Uint8Array;
    if (job.standard) {
      const { version, merkleRoot } = decode(NewMiningJob, job.payload);
      root = merkleRoot;
      this.version = rollVersion(version, this.#round);
    } else {
      const fields = decode(NewExtendedMiningJob, job.payload);
      root = this.#rootOf(fields, sha256d);
      const rolls = this.extranonce.length === 0 && fields.versionRollingAllowed;
      this.version = rolls ? rollVersion(fields.version, this.#round) : fields.version;
    }
    writeHeader(this.header, this.version, tip.prevHash, root, this.ntime, tip.nbits, 0);
    this.networkTarget = targetToBytes(compactToTarget(tip.nbits));
    this.hashes = hashesOfTarget(targetFromBytes(this.target));
  }

  #rootOf(job: NewExtendedMiningJob, sha256d: Sha256dBackend): Uint8Array {
    // Of its own: shares that are still to be written hold the one before.
    const extranonce = Buffer.alloc(this.extranonce.length);
    const counted = Math.min(4, extranonce.length);
    if (counted > 0) extranonce.writeUIntBE(this.#round % 2 ** (8 * counted), extranonce.length - counted, counted);
    this.extranonce = extranonce;
    const parts = [job.coinbaseTxPrefix, this.#prefix, extranonce, job.coinbaseTxSuffix];
    const root = new Uint8Array(32);
    sha256d.foldMerkle(sha256d.sha256d(Buffer.concat(parts)), job.merklePath, root);
    return root;
  }
}
