// What is known of one worker over all its connections. A share costs it a few additions, and no allocation.
import { meetsTarget } from '@sluice/bitcoin/target';
import type { ErrorCode } from '@sluice/sv2/error-codes';
import { shareErrorCodes } from '../counters.ts';
import { WorkWindow } from './work-window.ts';

export type ShareErrorCode = ErrorCode<'SubmitShares.Error'>;

/** A connected miner, as its worker shows it. */
export interface WorkerMiner {
  /** Counted from 1 in the life of the process. */
  readonly id: number;
  /** What it calls its software; empty when it does not tell. */
  readonly agent: string;
  /** As SV1 counts it; `undefined`: it was told none yet. */
  readonly difficulty: number | undefined;
}

/** Times are milliseconds of a monotonic clock. */
export class WorkerStatistics {
  /** Counted from 1 in the life of the process. */
  readonly id: number;
  /** 32 bytes of UTF-8 at most; empty for a miner whose user names none. */
  readonly name: string;
  readonly miners = new Set<WorkerMiner>();
  /** Found good here, and kept or sent up. */
  sharesAccepted = 0;
  /** Expected hashes of these. */
  work = 0;
  /** `undefined`: no share was accepted yet. */
  lastShareMs: number | undefined;
  readonly #window: WorkWindow;
  /** The smallest hash, 32 bytes in wire order. */
  readonly #bestHash = new Uint8Array(32).fill(0xff);
  /** By the index of the code. */
  readonly #refused = new Uint32Array(shareErrorCodes.length);
  readonly #upstreamRefused = new Uint32Array(shareErrorCodes.length);

  constructor(id: number, name: string, nowMs: number) {
    this.id = id;
    this.name = name;
    this.#window = new WorkWindow(nowMs);
  }

  /** @param hash 32 bytes in wire order, valid during the call. @param work expected hashes of its target. */
  accepted(hash: Uint8Array, work: number, nowMs: number): void {
    this.sharesAccepted += 1;
    this.work += work;
    this.lastShareMs = nowMs;
    this.#window.add(work, nowMs);
    if (meetsTarget(hash, this.#bestHash)) this.#bestHash.set(hash);
  }

  /** Refused here. */
  refused(code: ShareErrorCode): void {
    this.#refused[shareErrorCodes.indexOf(code)]! += 1;
  }

  /** Accepted here, and refused by its upstream. */
  upstreamRefused(code: ShareErrorCode): void {
    this.#upstreamRefused[shareErrorCodes.indexOf(code)]! += 1;
  }

  /** Hashes a second over ten minutes. */
  hashrate(nowMs: number): number {
    return this.#window.hashrate(nowMs);
  }

  /** 32 bytes in wire order; `undefined` before the first accepted share. */
  get bestHash(): Uint8Array | undefined {
    return this.sharesAccepted === 0 ? undefined : this.#bestHash;
  }

  /** Codes that have occurred. */
  get refusedByCode(): Readonly<Record<string, number>> {
    return byCode(this.#refused);
  }

  get upstreamRefusedByCode(): Readonly<Record<string, number>> {
    return byCode(this.#upstreamRefused);
  }
}

function byCode(counts: Uint32Array): Readonly<Record<string, number>> {
  return Object.fromEntries(
    shareErrorCodes.map((code, index) => [code, counts[index] ?? 0]).filter(([, n]) => n !== 0),
  );
}
