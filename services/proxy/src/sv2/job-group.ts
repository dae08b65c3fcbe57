// The channels of one connection that can be given a job together [sv2 5.2.3]. The farm gives it to one after the other; what came to all of
// them is one message to the group, and what came to some is one to each.
import type { SocketWriter } from '@sluice/server/socket-writer';
import type { FarmJob } from '../miners/miner.ts';
import type { JobFrames } from './job-frames.ts';

/** The group of every connection; channels count from the next id on. */
export const GROUP_CHANNEL_ID = 1;

/** A channel that has its first work. */
export interface GroupMember {
  /** Writes a job for this channel alone. */
  writeJob(job: FarmJob, clean: boolean): void;
}

export class JobGroup {
  readonly #members = new Set<GroupMember>();
  /** Who was given the job and has not been told. */
  readonly #waiting = new Set<GroupMember>();
  readonly #writer: SocketWriter;
  readonly #jobs: JobFrames;
  #job: FarmJob | undefined;
  #clean = false;

  constructor(writer: SocketWriter, jobs: JobFrames) {
    this.#writer = writer;
    this.#jobs = jobs;
  }

  has(member: GroupMember): boolean {
    return this.#members.has(member);
  }

  add(member: GroupMember): void {
    this.#members.add(member);
  }

  remove(member: GroupMember): void {
    this.#members.delete(member);
    this.#waiting.delete(member);
  }

  /** A member is given a job: it is written when all have it, or when the farm is through with those that it has it for. */
  give(member: GroupMember, job: FarmJob, clean: boolean): void {
    if (this.#job !== job || this.#clean !== clean) this.#flush();
    if (this.#waiting.size === 0) process.nextTick(() => this.#flush());
    this.#job = job;
    this.#clean = clean;
    this.#waiting.add(member);
    if (this.#waiting.size === this.#members.size) this.#flush();
  }

  /** To be called before something is written to a member that must not come before its job. */
  catchUp(member: GroupMember): void {
    if (this.#waiting.has(member)) this.#flush();
  }

  #flush(): void {
    const job = this.#job;
    if (job === undefined) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#job = undefined;
    // One alone has its own: a device of one channel need know nothing of groups.
    if (waiting.length > 1 && waiting.length === this.#members.size) this.#writeToAll(job, this.#clean);
    else for (const member of waiting) member.writeJob(job, this.#clean);
  }

  #writeToAll(job: FarmJob, clean: boolean): void {
    this.#jobs.extended(this.#writer, GROUP_CHANNEL_ID, job, clean);
    if (clean) this.#jobs.tip(this.#writer, GROUP_CHANNEL_ID, job);
  }
}
