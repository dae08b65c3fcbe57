// What one miner has been told of its work: difficulty and version mask only right before the job that they hold for, and the last job once
// more when there is no other for too long.

import type { ShareTarget } from '@sluice/mining/share-target';
import type { SocketWriter } from '@sluice/server/socket-writer';
import { powerOfTwoDifficulty } from '@sluice/sv1/difficulty';
import { setDifficultyLine, setVersionMaskLine } from '@sluice/sv1/server-lines';
import type { FarmJob } from '../miners/miner.ts';
import type { Sv1Counters } from './counters.ts';
import type { JobLines } from './job-lines.ts';

export interface WorkModules {
  readonly writer: SocketWriter;
  readonly lines: JobLines;
  readonly counters: Sv1Counters;
}

export class SessionWork {
  readonly #modules: WorkModules;
  /** Difficulties: the one that the miner has, and that of its next job; 0: none yet. */
  #toldDifficulty = 0;
  #difficulty = 0;
  /** Version bits that both sides can roll, whatever the job, and those that the miner believes it may. */
  #agreedMask = 0;
  #mask = 0;
  #job: FarmJob | undefined;
  #repeat = 0;
  #jobAt = 0;

  constructor(modules: WorkModules) {
    this.#modules = modules;
  }

  /** Version bits that the miner may roll now, u32. */
  get mask(): number {
    return this.#mask;
  }

  /** mining.configure. @param agreed bits that both sides can roll, u32. Returns those of them that jobs let be rolled now. */
  onConfigured(agreed: number): number {
    this.#agreedMask = agreed;
    this.#mask = (agreed & this.#jobMask) >>> 0;
    return this.#mask;
  }

  onTarget(target: ShareTarget): void {
    this.#difficulty = powerOfTwoDifficulty(target.value);
  }

  /** `nowMs` is the monotonic clock's. */
  onJob(job: FarmJob, clean: boolean, nowMs: number): void {
    const first = this.#job === undefined;
    this.#job = job;
    this.#repeat = 0;
    this.#tellMask();
    this.#tellDifficulty();
    this.#notify(job, clean || first, nowMs);
  }

  /** Called about once a second. @param keepAliveMs after which the job is told again. */
  sweep(nowMs: number, keepAliveMs: number): void {
    if (this.#job === undefined || nowMs - this.#jobAt < keepAliveMs) return;
    this.#repeat += 1;
    this.#modules.counters.keepAlives += 1;
    this.#notify(this.#job, false, nowMs);
  }

  /** Others may have had a job before this miner. */
  get #jobMask(): number {
    return this.#job?.versionMask ?? this.#modules.lines.versionMask;
  }

  #tellMask(): void {
    const mask = (this.#agreedMask & this.#jobMask) >>> 0;
    if (mask === this.#mask) return;
    this.#mask = mask;
    this.#modules.writer.writeText(setVersionMaskLine(mask));
  }

  #tellDifficulty(): void {
    if (this.#difficulty === this.#toldDifficulty) return;
    this.#toldDifficulty = this.#difficulty;
    this.#modules.counters.setDifficulties += 1;
    this.#modules.writer.writeText(setDifficultyLine(this.#difficulty));
  }

  #notify(job: FarmJob, clean: boolean, nowMs: number): void {
    const { writer, lines, counters } = this.#modules;
    this.#jobAt = nowMs;
    counters.notifies += 1;
    writer.writeShared(lines.line(job, this.#repeat, clean));
  }
}
