// Jobs as miners are told them. Thousands of connections get the same line at the same time, and it is parsed once.
import { compactToTarget, targetOfDifficulty, targetToBytes } from '@sluice/bitcoin/target';
import { hashesOfTarget } from '@sluice/mining/vardiff-difficulty';
import { hexU32 } from '@sluice/sv1/hex';
import type { Sv1Job } from '@sluice/sv1/job';

/** A mining.notify with what is made of it once. */
export interface LoadJob extends Sv1Job {
  /** 32 bytes. */
  readonly networkTarget: Uint8Array;
  readonly ntimeDigits: string;
}

/** What a difficulty asks for. */
export interface LoadTarget {
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  readonly hashes: number;
}

/** For all connections of a worker. */
export class Sv1Jobs {
  #line: Buffer = Buffer.alloc(0);
  #job: LoadJob | undefined;
  readonly #targets = new Map<number, LoadTarget>();

  /** The job of a line that came to another connection last; `undefined`: it is another line. */
  known(line: Uint8Array): LoadJob | undefined {
    return this.#line.equals(line) ? this.#job : undefined;
  }

  /** Keeps what a line was parsed to. */
  keep(line: Uint8Array, job: Sv1Job): LoadJob {
    const networkTarget = targetToBytes(compactToTarget(job.nbits));
    this.#line = Buffer.from(line);
    this.#job = { ...job, networkTarget, ntimeDigits: hexU32(job.ntime) };
    return this.#job;
  }

  target(difficulty: number): LoadTarget {
    let target = this.#targets.get(difficulty);
    if (target === undefined) {
      const value = targetOfDifficulty(difficulty);
      target = { bytes: targetToBytes(value), hashes: hashesOfTarget(value) };
      this.#targets.set(difficulty, target);
    }
    return target;
  }
}
