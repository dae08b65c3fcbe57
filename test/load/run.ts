// The course of a run: open, do what the mode says, count, close.
import { setTimeout as sleep } from 'node:timers/promises';
import { targetToBytes } from '@sluice/bitcoin/target';
import { targetOfHashes } from '@sluice/mining/vardiff-difficulty';
import { inFlightOf, type LoadConfig, sendsShares } from './config.ts';
import { Fleet } from './fleet.ts';
import { LatencyHistogram } from './measure/latency-histogram.ts';
import { monotonicMs } from './measure/monotonic.ts';
import type { OwnLoadData } from './measure/own-load.ts';
import { Traffic } from './measure/traffic.ts';
import { type OpenAnswer, openPhases, type ShareAnswer, type ShareOptions } from './orders.ts';
import { ProgressLine } from './progress.ts';
import type { OpenResult, RunResult, ShareResult, TipResult } from './results.ts';
import { ServerRecord } from './server-record.ts';
import { ShareStream, type StoredShares } from './stored-shares.ts';
import { type NewBlock, tipHookOf } from './tip-hook.ts';
import { TipRounds } from './tip-rounds.ts';

/** What begins at an instant is told to the workers before. */
const START_AHEAD_MS = 200;

/** What a caller knows better than the flags say. */
export interface LoadRunHooks {
  /** Resolves when the pool has nothing left to do for so many acknowledged shares. */
  settled?(acknowledged: number): Promise<void>;
  /** Looks at what is held, with --mode idle; then they are held until it resolves, in place of the time that the flags say. */
  held?(): Promise<void>;
  /** Makes a new block, with --mode new-tip. */
  newBlock?(): Promise<NewBlock>;
}

export class LoadRun {
  readonly #config: LoadConfig;
  readonly #fleet: Fleet;
  readonly #servers: ServerRecord;
  readonly #progress: ProgressLine;
  readonly #hooks: LoadRunHooks;
  #own: readonly OwnLoadData[] = [];

  constructor(config: LoadConfig, hooks: LoadRunHooks = {}) {
    this.#config = config;
    this.#hooks = hooks;
    this.#servers = new ServerRecord(config.pids);
    this.#fleet = new Fleet(config.workers);
    this.#progress = new ProgressLine(this.#fleet);
  }

  async run(): Promise<RunResult> {
    const { nats } = this.#config;
    let stream: ShareStream | undefined;
    try {
      if (nats.length > 0) this.#progress.say('connecting to NATS');
      stream = nats.length > 0 ? await ShareStream.open(nats) : undefined;
      return await Promise.race([this.#course(stream), this.#fleet.broken]);
    } finally {
      await stream?.close();
      this.end();
    }
  }

  async #course(stream: ShareStream | undefined): Promise<RunResult> {
    const startedAt = new Date();
    const { mode } = this.#config;
    await this.#prepare();
    const open = await this.#open();
    // Nothing can be measured without a connection; that none opened is what the report says then.
    const anyOpen = open.opened > 0;
    const reopen = anyOpen && mode === 'reconnect' ? await this.#reopen() : undefined;
    if (anyOpen && mode === 'idle') await this.#hold();
    const tips = anyOpen && mode === 'new-tip' ? await this.#tips() : undefined;
    const shares = anyOpen && sendsShares(this.#config) ? await this.#finishShares(tips?.seconds) : undefined;
    const stored = shares === undefined ? undefined : await this.#compare(stream, shares.channels);
    const state = await this.#fleet.ask('state', () => null);
    await this.#fleet.ask('close', () => null);
    return {
      config: this.#config,
      startedAt,
      open,
      reopen,
      shares: shares?.result,
      tips,
      stored,
      openAtEnd: state.reduce((total, each) => total + each.open, 0),
      lost: addUp(state.map(({ lost }) => lost)),
      servers: this.#servers.servers,
      marks: this.#servers.marks,
      own: this.#own,
      sent: Traffic.of(state.map(({ sent }) => sent)).rows,
      received: Traffic.of(state.map(({ received }) => received)).rows,
    };
  }

  /** Also in the middle of a run. */
  end(): void {
    this.#progress.end();
    this.#fleet.end();
  }

  async #prepare(): Promise<void> {
    const { workers, connections, pool, localAddresses, kind, channels, identity, hashrate, blocks } = this.#config;
    const maxTarget = targetToBytes(targetOfHashes(this.#config.hashesPerShare));
    await this.#fleet.ask('prepare', (worker) => ({
      ...{ worker, workers, connections, pools: pool, localAddresses, kind, channels, identity, hashrate, maxTarget },
      sendBlocks: blocks,
    }));
  }

  async #open(): Promise<OpenResult> {
    this.#progress.say(`opening ${this.#config.connections} connections`);
    this.#servers.mark('start');
    this.#servers.mark('begin');
    const result = await this.#openAll();
    this.#servers.mark('opened');
    this.#servers.mark('end');
    return result;
  }

  async #openAll(): Promise<OpenResult> {
    const { workers, opening, openRate } = this.#config;
    const options = {
      atOnce: Math.ceil(opening / workers),
      perSecond: openRate === undefined ? undefined : openRate / workers,
    };
    const answers = await this.#fleet.ask('open', () => options);
    this.#own = answers.map(({ own }) => own);
    return openResult(answers);
  }

  async #reopen(): Promise<OpenResult> {
    await this.#fleet.ask('close', () => null);
    this.#progress.say('opening them all again');
    this.#servers.mark('begin');
    const result = await this.#openAll();
    this.#servers.mark('end');
    return result;
  }

  async #hold(): Promise<void> {
    const { held } = this.#hooks;
    this.#progress.say(held === undefined ? `holding them for ${this.#config.seconds} s` : 'looking at them');
    await this.#measured((from) => held?.() ?? this.#wholeTime(from));
  }

  async #tips(): Promise<TipResult> {
    const { rate, timedConnections, workers } = this.#config;
    if (rate !== undefined) await this.#startShares({ mode: 'paced', perSecond: rate });
    await this.#fleet.ask('watchTips', () => Math.ceil(timedConnections / workers));
    const hook = this.#hooks.newBlock ?? tipHookOf(this.#config);
    const rounds = new TipRounds(this.#config, hook, this.#fleet, (what) => this.#progress.say(what));
    await rounds.warmUp();
    return this.#measured(() => rounds.run());
  }

  /** In the new-tip mode shares are sent already. */
  async #finishShares(seconds: number | undefined) {
    if (seconds === undefined) await this.#measureShares();
    this.#progress.say('waiting for the last answers');
    const answers = await this.#fleet.ask('stopShares', () => this.#config.drainSeconds * 1_000);
    const channels = new Map(answers.flatMap((answer) => [...answer.channels]));
    const result = shareResult(answers, seconds ?? this.#config.seconds);
    await this.#hooks.settled?.(result.counts.acknowledged);
    this.#servers.mark('settled');
    return { result, channels };
  }

  async #measureShares(): Promise<void> {
    const { mode, rate, seconds, warmUpSeconds } = this.#config;
    this.#progress.say(`sending shares for ${warmUpSeconds} s before anything is measured`);
    if (mode === 'paced' && rate !== undefined) await this.#startShares({ mode: 'paced', perSecond: rate });
    else await this.#startShares({ mode: 'pipelined', inFlight: inFlightOf(this.#config) });
    await sleep(warmUpSeconds * 1_000);
    this.#progress.say(`measuring for ${seconds} s`);
    await this.#measured((from) => this.#wholeTime(from));
  }

  async #startShares(
    options:
      | { readonly mode: 'pipelined'; readonly inFlight: number }
      | { readonly mode: 'paced'; readonly perSecond: number },
  ): Promise<void> {
    const { size } = this.#fleet;
    const startAt = monotonicMs() + START_AHEAD_MS;
    await this.#fleet.ask('startShares', (worker): ShareOptions => {
      if (options.mode === 'pipelined') return options;
      const perSecond = options.perSecond / size;
      // Workers take turns.
      return { mode: 'paced', perSecond, startAt: startAt + (worker * 1_000) / options.perSecond };
    });
  }

  /** Measures while `part` runs, which begins at the same instant for all workers, whenever they were told. */
  async #measured<T>(part: (from: number) => Promise<T>): Promise<T> {
    const from = monotonicMs() + START_AHEAD_MS;
    const begun = this.#fleet.ask('beginWindow', () => from);
    await sleep(from - monotonicMs());
    this.#servers.mark('begin');
    await begun;
    const result = await part(from);
    this.#servers.mark('end');
    const to = monotonicMs();
    this.#own = await this.#fleet.ask('endWindow', () => to);
    return result;
  }

  /** From an instant on for as long as was asked for. */
  #wholeTime(from: number): Promise<void> {
    return sleep(Math.max(0, from + this.#config.seconds * 1_000 - monotonicMs()));
  }

  async #compare(
    stream: ShareStream | undefined,
    channels: ReadonlyMap<string, number>,
  ): Promise<StoredShares | undefined> {
    if (stream === undefined) return undefined;
    this.#progress.say('reading what the stream holds');
    return stream.compare(channels);
  }
}

function openResult(answers: readonly OpenAnswer[]): OpenResult {
  const startedAt = Math.min(...answers.map((answer) => answer.startedAt));
  const endedAt = Math.max(...answers.map((answer) => answer.endedAt));
  const phases = openPhases.map((phase) => [phase, LatencyHistogram.of(answers.map(({ phases }) => phases[phase]))]);
  return {
    seconds: (endedAt - startedAt) / 1_000,
    opened: answers.reduce((total, { opened }) => total + opened, 0),
    failed: addUp(answers.map(({ failed }) => failed)),
    phases: Object.fromEntries(phases) as OpenResult['phases'],
  };
}

function shareResult(answers: readonly ShareAnswer[], seconds: number): ShareResult {
  const sum = (of: (counts: ShareAnswer['counts']) => number) =>
    answers.reduce((total, { counts }) => total + of(counts), 0);
  const bySecond = (of: (window: ShareAnswer['window']) => readonly number[]) =>
    Array.from({ length: Math.ceil(seconds) }, (_, second) =>
      answers.reduce((total, { window }) => total + (of(window)[second] ?? 0), 0),
    );
  return {
    counts: {
      sent: sum(({ sent }) => sent),
      acknowledged: sum(({ acknowledged }) => acknowledged),
      refused: addUp(answers.map(({ counts }) => counts.refused)),
      overtaken: sum(({ overtaken }) => overtaken),
      unanswered: sum(({ unanswered }) => unanswered),
      miscounted: sum(({ miscounted }) => miscounted),
      skipped: sum(({ skipped }) => skipped),
      blocksHeldBack: sum(({ blocksHeldBack }) => blocksHeldBack),
    },
    seconds,
    latency: LatencyHistogram.of(answers.map(({ window }) => window.latency)),
    sent: bySecond(({ sent }) => sent),
    acknowledged: bySecond(({ acknowledged }) => acknowledged),
    hashes: [Math.min(...answers.map(({ hashes }) => hashes[0])), Math.max(...answers.map(({ hashes }) => hashes[1]))],
  };
}

function addUp(counts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const sum = new Map<string, number>();
  for (const each of counts) for (const [name, count] of each) sum.set(name, (sum.get(name) ?? 0) + count);
  return sum;
}
