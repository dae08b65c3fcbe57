// Step 5 of the share's way: everything that one gateway incarnation claims is checked again, in the order of its stream. The same rules as
// at the gateway (`ShareChecker.judge`), but the jobs come from the stream of jobs, duplicates from a filter of our own, and the
// work that is credited from the hash. What this leads to depends on the records alone, so any validator comes to the same.
import type { Network } from '@sluice/bitcoin/network';
import type { Sha256dBackend } from '@sluice/bitcoin/sha256d';
import type { StreamMessage } from '@sluice/bus/bus';
import { PAYS_POOL } from '@sluice/bus/payloads/channel';
import { type BatchChannel, ShareBatchReader } from '@sluice/bus/payloads/share-batch';
import { NTIME_AHEAD_SECONDS, ShareChecker } from '@sluice/mining/share-check';
import { ShareOutcome, shareErrorCodes } from '@sluice/mining/share-outcome';
import type { ShareTarget } from '@sluice/mining/share-target';
import { ByPercent, type MinerPaid } from './by-percent.ts';
import { bytesEqual } from './bytes-equal.ts';
import { type ChannelAudit, ChannelAudits, HONEST_TROUBLES } from './channel-audit.ts';
import type { Credit } from './credit-sums.ts';
import { CreditTable } from './credit-table.ts';
import { Findings } from './findings.ts';
import { GivenJobs } from './given-jobs.ts';
import { HeadersAhead } from './headers-ahead.ts';
import type { KnownJob, MissingJob } from './job-history.ts';
import { KnownTargets } from './known-targets.ts';
import { LiveJobs, Novelty } from './live-jobs.ts';

/** How far the clocks of gateway, provider and stream may be apart before it is told; receipts beyond it do not widen the rule for ntime. */
const CLOCK_SKEW_MS = 30_000;
/** Shares judged in one go before others get a turn. */
const SHARES_PER_TURN = 512;
/** Jobs asked for in one batch; a gateway has few that are unknown here, a forger may name many. */
const FETCHES_PER_BATCH = 64;
const ROOT_OFFSET = 36;

const headersAhead = new HeadersAhead(SHARES_PER_TURN);

export interface AuditModules {
  readonly backend: Sha256dBackend;
  readonly jobs: {
    find(tipFeed: number, jobId: number): KnownJob | undefined;
    /** Waits while the job may still be on its way. `storedAtMs`: when the share was stored. */
    fetch(tipFeed: number, jobId: number, storedAtMs: number): Promise<KnownJob | MissingJob>;
  };
  /** Lets other work of the process run. */
  readonly yieldNow: () => Promise<unknown>;
  /** A good share that is a block; called at once. */
  onSolution(share: SolvedShare): void;
}

export interface SolvedShare {
  /** The job with the coinbase of the channel. */
  readonly known: KnownJob;
  /** 80 bytes, and its hash in wire order. */
  readonly header: Uint8Array;
  readonly hash: Uint8Array;
  readonly extranonce: Uint8Array;
  readonly channel: BatchChannel;
  readonly storedAtMs: number;
}

/** The rules of the pool that an audit goes by. */
export interface AuditOptions {
  /** Network of the addresses by which channels may pay their miner; absent: blocks pay the pool, whatever a gateway says. */
  readonly payoutNetwork?: Network;
}

/** Where an audit begins. */
export interface AuditStart {
  /** Last batch that was credited; 0: none. Records up to its sequence are only read to know their shares. */
  readonly batch: bigint;
  readonly sequence: number;
  readonly floor: number;
  readonly held: boolean;
}

export interface Verdict {
  readonly batch: bigint;
  /** False: the record's number was used before, so that it cannot be credited, but there are findings. */
  readonly counts: boolean;
  readonly shares: number;
  /** Work on blocks that pay the pool. */
  readonly credits: readonly Credit[];
  /** Work on blocks that pay the miner. */
  readonly minerPaid: readonly MinerPaid[];
  readonly findings: Findings;
  readonly held: boolean;
  readonly replayFrom: number;
  readonly floor: number;
}

export class IncarnationAudit {
  readonly incarnation: bigint;
  readonly #modules: AuditModules;
  readonly #checker: ShareChecker;
  readonly #reader = new ShareBatchReader();
  readonly #channels: ChannelAudits;
  readonly #live: LiveJobs;
  readonly #given = new GivenJobs();
  readonly #targets = new KnownTargets();
  readonly #start: AuditStart;
  #batch: bigint;
  #lastPayload: Uint8Array | undefined;
  #held: boolean;
  #latestMs = 0;
  /** Of `headersAhead`. */
  #turn = 0;

  constructor(incarnation: bigint, start: AuditStart, options: AuditOptions, modules: AuditModules) {
    this.incarnation = incarnation;
    this.#modules = modules;
    this.#checker = new ShareChecker(modules.backend);
    this.#channels = new ChannelAudits(incarnation, options.payoutNetwork);
    this.#live = new LiveJobs(start.floor);
    this.#start = start;
    this.#batch = start.batch;
    this.#held = start.held;
  }

  get held(): boolean {
    return this.#held;
  }

  /**
   * Judges the next record of the incarnation's subject. Undefined: there is nothing to credit, because the record was credited before
   * or repeats the last one. Rejects when jobs cannot be read; the audit is then of no use and another one has to begin.
   */
  async judge(message: StreamMessage): Promise<Verdict | undefined> {
    const again = message.sequence <= this.#start.sequence;
    const findings = new Findings();
    const opened = this.#open(message, again, findings);
    if (opened === 'nothing') return undefined;
    const credits = new CreditTable();
    const minerPaid = new ByPercent(() => new CreditTable());
    const shares = findings.damning ? 0 : await this.#judgeShares(message, findings, credits, minerPaid);
    if (this.#live.close(this.#latestMs)) this.#forgetBelow(this.#live.floor);
    if (opened === 'next') this.#lastPayload = message.payload;
    if (again) return undefined;
    if (findings.damning) this.#held = true;
    return {
      batch: this.#batch,
      counts: opened === 'next',
      shares,
      credits: credits.list(),
      minerPaid: minerPaid.list(),
      findings,
      held: this.#held,
      replayFrom: this.#live.replayFrom(message.sequence),
      floor: this.#live.floor,
    };
  }

  /** Reads the tables of a batch and moves on to its number, unless that was used before. */
  #open(message: StreamMessage, again: boolean, findings: Findings): 'next' | 'number used' | 'nothing' {
    const reader = this.#reader;
    if (!reader.open(message.payload)) {
      findings.add('malformed', reader.fault ?? 'not a batch');
      if (!again) this.#batch += 1n;
      return 'next';
    }
    if (reader.incarnation !== this.incarnation)
      findings.add('malformed', `a batch of incarnation ${reader.incarnation}`);
    if (again) return 'next';
    const { batch } = reader;
    if (batch <= this.#batch) return this.#repeated(message, batch, findings);
    if (batch > this.#batch + 1n) findings.add('missingBatch', `batch ${batch} follows ${this.#batch}`);
    this.#batch = batch;
    return 'next';
  }

  /** The last batch again, because its acknowledgement was lost, is as it should be. Anything else has no place in the sequence. */
  #repeated(message: StreamMessage, batch: bigint, findings: Findings): 'number used' | 'nothing' {
    if (this.#lastPayload === undefined || bytesEqual(this.#lastPayload, message.payload)) return 'nothing';
    findings.add('malformed', `batch ${batch} again, with other shares, behind batch ${this.#batch}`);
    return 'number used';
  }

  async #judgeShares(
    message: StreamMessage,
    findings: Findings,
    credits: CreditTable,
    minerPaid: ByPercent<CreditTable>,
  ): Promise<number> {
    const reader = this.#reader;
    const channels = reader.channels.map((entry) => this.#channels.of(entry));
    const targets = Array.from({ length: reader.targetCount }, (_, index) => this.#targets.of(reader.target(index)));
    const missing = new Map<string, MissingJob>();
    let skewTold = false;
    let index = 0;
    for (let ahead = 0; ; index += 1, ahead -= 1) {
      if (ahead === 0) {
        // Others have their headers hashed meanwhile. Behind a turn that was not full there is nothing.
        if (index > 0 && index % SHARES_PER_TURN === 0) await this.#modules.yieldNow();
        ahead = this.#hashAhead(channels);
        if (ahead === 0) break;
      }
      reader.next();
      const { tipFeed, jobId } = reader;
      const known = this.#modules.jobs.find(tipFeed, jobId) ?? (await this.#fetch(message.storedAtMs, missing));
      if (typeof known === 'string') {
        const why = known === 'gone' ? 'that part of the feed is no longer kept' : 'no such job on that tip';
        findings.add('unknownJob', `job ${jobId} on the tip of feed ${tipFeed}: ${why}`, index);
        continue;
      }
      const channel = channels[reader.channelIndex]!;
      if (typeof channel === 'string') {
        findings.add(HONEST_TROUBLES.has(channel) ? 'implausible' : 'malformed', channel, index);
        continue;
      }
      if (!skewTold && this.#isSkewed(known, message.storedAtMs)) {
        skewTold = true;
        findings.add('implausible', `received at ${reader.receivedAtMs}, stored at ${message.storedAtMs}`, index);
      }
      const target = targets[reader.targetIndex]!;
      if (!this.#isGood(known, channel, target, message, index, findings)) continue;
      const entry = reader.channels[reader.channelIndex]!;
      const table = entry.poolPercent === PAYS_POOL ? credits : minerPaid.of(entry.poolPercent);
      table.add(entry, reader.channelIndex, reader.targetIndex, target);
    }
    if (reader.fault !== undefined) findings.add('malformed', reader.fault);
    return index;
  }

  /** Has the next shares hashed together, and says how many these are. */
  #hashAhead(channels: readonly (ChannelAudit | string)[]): number {
    const reader = this.#reader;
    const given = this.#given;
    this.#turn = headersAhead.begin();
    reader.mark();
    let count = 0;
    for (; count < SHARES_PER_TURN && reader.next(); count += 1) {
      const channel = channels[reader.channelIndex]!;
      if (typeof channel === 'string' || reader.extranonceLength !== channel.extranonceSize) continue;
      const { tipFeed, jobId } = reader;
      const known = this.#modules.jobs.find(tipFeed, jobId);
      if (known === undefined) continue;
      const job = channel.jobOf(known.job);
      if (job === undefined) continue;
      const root = channel.standard && given.find(jobId, channel.number) ? given.root : undefined;
      headersAhead.add(count, channel, job, known.tip, root, reader);
    }
    if (count === 0) return 0;
    headersAhead.run(reader.payload);
    reader.rewind();
    return count;
  }

  #isSkewed({ tipSeenAtMs }: KnownJob, storedAtMs: number): boolean {
    const { receivedAtMs } = this.#reader;
    return receivedAtMs > storedAtMs + CLOCK_SKEW_MS || receivedAtMs < tipSeenAtMs - CLOCK_SKEW_MS;
  }

  /** The rules of a share, then whether it is new. */
  #isGood(
    known: KnownJob,
    channel: ChannelAudit,
    target: ShareTarget,
    message: StreamMessage,
    index: number,
    findings: Findings,
  ): boolean {
    const { jobId, nonce, ntime, version, extranonceOffset, extranonceLength, payload } = this.#reader;
    const receivedAtMs = Math.min(this.#reader.receivedAtMs, message.storedAtMs + CLOCK_SKEW_MS);
    const given = this.#given;
    const had = given.find(jobId, channel.number);
    const job = channel.jobOf(known.job);
    if (job === undefined) {
      findings.add('invalidShare', `job ${jobId} has no coinbase that could pay a miner`, index);
      return false;
    }
    if (had && !bytesEqual(given.target, target.bytes)) {
      findings.add('invalidShare', `job ${jobId} had another target on this channel`, index);
      return false;
    }
    const ahead = headersAhead.at(this.#turn, index % SHARES_PER_TURN, job);
    const outcome = this.#checker.judge(
      job,
      known.tip,
      false,
      target,
      channel.prefix,
      channel.extranonceSize,
      channel.standard && had ? given.root : ahead?.root,
      nonce,
      ntime,
      version,
      payload,
      extranonceOffset,
      extranonceLength,
      receivedAtMs,
      ahead,
    );
    if (outcome !== ShareOutcome.accepted) {
      // By the gateway's clock, which is ahead, it may have been a good one.
      const isCut =
        outcome === ShareOutcome.ntimeOutOfRange &&
        ntime >= known.tip.minNtime &&
        ntime <= this.#reader.receivedAtMs / 1_000 + NTIME_AHEAD_SECONDS;
      findings.add(isCut ? 'implausible' : 'invalidShare', `${shareErrorCodes[outcome]} on job ${jobId}`, index);
      return false;
    }
    const novelty = this.#live.note(known, this.#checker.hash, receivedAtMs, message.sequence);
    if (receivedAtMs > this.#latestMs) this.#latestMs = receivedAtMs;
    if (novelty !== Novelty.fresh) {
      this.#findNotNew(novelty, jobId, index, findings);
      return false;
    }
    if (!had) this.#giveJob(channel, jobId, known, target);
    if (this.#checker.solution && message.sequence > this.#start.sequence)
      this.#solved({ ...known, job }, channel, message);
    return true;
  }

  #findNotNew(novelty: Novelty, jobId: number, index: number, findings: Findings): void {
    if (novelty === Novelty.repeated) findings.add('repeatedShare', `on job ${jobId}`, index);
    else if (novelty === Novelty.closed) findings.add('implausible', `job ${jobId} was closed before`, index);
    else findings.add('implausible', `more shares on job ${jobId} than can be told apart`, index);
  }

  #giveJob(channel: ChannelAudit, jobId: number, { order }: KnownJob, target: ShareTarget): void {
    const root = channel.standard ? this.#checker.header.subarray(ROOT_OFFSET, ROOT_OFFSET + 32) : undefined;
    this.#given.add(jobId, order, channel.number, target.bytes, root);
    if (order > channel.lastOrder) channel.lastOrder = order;
  }

  #forgetBelow(floor: number): void {
    this.#given.forgetBelow(floor);
    this.#channels.forgetBelow(floor);
  }

  #solved(known: KnownJob, { prefix }: ChannelAudit, { storedAtMs }: StreamMessage): void {
    const { payload, extranonceOffset, extranonceLength, channels, channelIndex } = this.#reader;
    const rolled = payload.subarray(extranonceOffset, extranonceOffset + extranonceLength);
    this.#modules.onSolution({
      known,
      header: this.#checker.header.slice(),
      hash: this.#checker.hash.slice(),
      extranonce: Buffer.concat([prefix, rolled]),
      channel: channels[channelIndex]!,
      storedAtMs,
    });
  }

  async #fetch(storedAtMs: number, missing: Map<string, MissingJob>): Promise<KnownJob | MissingJob> {
    const { tipFeed, jobId } = this.#reader;
    const key = `${tipFeed} ${jobId}`;
    const told = missing.get(key);
    if (told !== undefined) return told;
    if (missing.size >= FETCHES_PER_BATCH) return 'absent';
    const found = await this.#modules.jobs.fetch(tipFeed, jobId, storedAtMs);
    if (typeof found === 'string') missing.set(key, found);
    return found;
  }
}
