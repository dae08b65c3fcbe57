// The course of a comparison: for each round and load both sides in turn, each with new processes.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { codedMessageOf } from '@sluice/runtime/errors';
import type { LoadConfig } from '../config.ts';
import { LatencyHistogram } from '../measure/latency-histogram.ts';
import { MAX_BUSY, writeMeasured } from '../report/document-section.ts';
import { show } from '../report/table.ts';
import { rateFailures, verdictOf } from '../report/verdict.ts';
import type { RunResult } from '../results.ts';
import { LoadRun } from '../run.ts';
import type { CompareConfig } from './config.ts';
import { type Contender, type Contest, type Side, sides } from './contest.ts';
import { contestOf } from './contest-of.ts';
import { figuresOf, shareCpuByProcess } from './figures.ts';
import { measureFixedWork } from './fixed-work.ts';
import { describeMachine, maxOpenFiles, measureBusy, measureDiskSync } from './machine.ts';
import { Pinning } from './pinning.ts';
import { floorRowNamesOf, type Row, rowNamesOf, rowOf } from './rows.ts';
import { FIXED_WORK, PROCESS_PREFIX, sectionOf } from './section.ts';

/** Open files of a process beside its connections. */
const OTHER_FILES = 500;
const HOLD_SECONDS = 10;
const TIPS = 20;
/** The code of a new process is compiled in the first ones. */
const WARM_UP_TIPS = 20;
/** Of a second each. */
const QUIET_TRIES = 30;
/** After a start: what is compiled and collected then. */
const REST_MS = 2_000;

interface RowValues {
  readonly row: Row;
  readonly values: Record<Side, Map<string, number[]>>;
}

export class CompareRun {
  readonly #config: CompareConfig;
  readonly #contest: Contest;
  readonly #pinning: Pinning;
  readonly #records: readonly RowValues[];
  readonly #leftOut: string[] = [];
  readonly #failures: string[] = [];
  readonly #warnings = new Map<string, number>();
  readonly #diskSync = new LatencyHistogram();
  #busy = 0;
  #contender: Contender | undefined;

  constructor(config: CompareConfig) {
    const { quick, rows, subject, floor } = config;
    this.#contest = contestOf(subject, floor);
    this.#config = quick ? { ...config, rounds: 1, seconds: 3, warmUpSeconds: 1 } : config;
    this.#pinning = new Pinning(config.unpinned);
    const all = floor ? floorRowNamesOf(subject) : rowNamesOf(subject);
    const wanted = (rows.length > 0 ? rows : all).map((name) => rowOf(name, quick ? 100 : Number.POSITIVE_INFINITY));
    this.#records = wanted
      .filter((row) => this.#fits(row))
      .map((row) => ({ row, values: { peer: new Map(), ours: new Map() } }));
  }

  #fits({ name, connections }: Row): boolean {
    const files = maxOpenFiles();
    if (connections + OTHER_FILES <= files) return true;
    this.#leftOut.push(`${name} was left out: a process may have ${files} open files here`);
    return false;
  }

  /** Resolves with whether everything held and, where it was to be written, was written. */
  async run(): Promise<boolean> {
    const { rounds, quick, document } = this.#config;
    await this.#pinning.amongServers(() => this.#contest.open(quick));
    const machine = [...(await describeMachine()), ...(await this.#contest.versions(true))];
    for (let round = 1; round <= rounds; round++) {
      if (this.#contest.syncsToDisk) measureDiskSync(this.#diskSync);
      // Whoever comes first in one round comes second in the next.
      for (const { row, values } of this.#records)
        for (const side of round % 2 === 1 ? sides : sides.toReversed()) {
          say(`round ${round} of ${rounds}, ${row.name}: ${this.#contest.names[side]}`);
          this.#busy = Math.max(this.#busy, await this.#waitForQuiet());
          await this.#measure(side, row, round, values[side]);
        }
    }
    const section = this.#section(machine);
    process.stdout.write(`${section}\n`);
    if (quick) return this.#failures.length === 0;
    return writeMeasured(document, this.#contest.command, section, this.#busy, say) && this.#failures.length === 0;
  }

  /** Ends everything; also in the middle. */
  async stop(): Promise<void> {
    await this.#contender?.stop();
    this.#contender = undefined;
    await this.#contest.close();
  }

  /** What is left of the run before must not be part of this one; other work may go on for longer than is waited. */
  async #waitForQuiet(): Promise<number> {
    let busy = await measureBusy();
    for (let tries = 1; busy > MAX_BUSY && tries < QUIET_TRIES && !this.#config.quick; tries++)
      busy = await measureBusy();
    return busy;
  }

  async #measure(side: Side, row: Row, round: number, values: Map<string, number[]>): Promise<void> {
    try {
      const fixedBefore = await this.#fixedWork();
      const contender = await this.#pinning.amongServers(() => this.#contest.start(side, row));
      this.#contender = contender;
      this.#pinning.check(contender.processes.map(({ pid }) => pid));
      await sleep(REST_MS);
      const result = await new LoadRun(this.#load(row, contender), contender.hooks).run();
      const fixedWork = (fixedBefore + (await this.#fixedWork())) / 2;
      const { failures: wrong, warnings } = verdictOf(result);
      const failures = this.#config.quick ? wrong : [...wrong, ...rateFailures(result)];
      for (const failure of failures) this.#failed(side, row, round, failure);
      for (const warning of warnings) this.#warned(side, row, warning);
      if (failures.length === 0) {
        await this.#contest.note(side, result);
        this.#take(side, row, round, values, result, fixedWork);
      } else say(contender.logs());
    } catch (error) {
      this.#failed(side, row, round, codedMessageOf(error));
      if (this.#contender !== undefined) say(this.#contender.logs());
    } finally {
      await this.#contender?.stop();
      this.#contender = undefined;
      await this.#contest.settle();
    }
  }

  /** On the core that the contenders have. */
  #fixedWork(): Promise<number> {
    return this.#pinning.amongServers(async () => measureFixedWork());
  }

  #failed(side: Side, { name }: Row, round: number, why: string): void {
    const text = `FAILED: ${name}, ${this.#contest.names[side]}, round ${round}: ${why}`;
    this.#failures.push(text);
    say(text);
  }

  /** Without the numbers, which differ from run to run. */
  #warned(side: Side, { name }: Row, warning: string): void {
    const [kind = ''] = warning.split(/[:;]/);
    const text = `${name}, ${this.#contest.names[side]}: ${kind.replace(/^\d+ /, '')}`;
    this.#warnings.set(text, (this.#warnings.get(text) ?? 0) + 1);
  }

  #take(
    side: Side,
    row: Row,
    round: number,
    values: Map<string, number[]>,
    result: RunResult,
    fixedWork: number,
  ): void {
    const { csv } = this.#config;
    const found: (readonly [string, number])[] = figuresOf(row).map((figure) => [figure.title, figure.of(result)]);
    if (row.group === 'shares' && result.servers.length > 1)
      for (const { process, micros } of shareCpuByProcess(result)) found.push([`${PROCESS_PREFIX}${process}`, micros]);
    found.push([FIXED_WORK, fixedWork]);
    for (const [title, value] of found) {
      values.set(title, [...(values.get(title) ?? []), value]);
      if (csv !== undefined)
        appendFileSync(csv, `${round},${row.name},${this.#contest.names[side]},"${title}",${value}\n`);
    }
  }

  get #warmUpTips(): number {
    return this.#config.quick ? 1 : WARM_UP_TIPS;
  }

  #load(row: Row, contender: Contender): LoadConfig {
    const { seconds, warmUpSeconds, workers, quick } = this.#config;
    return this.#contest.load(row, contender, {
      ...{ warmUpSeconds, workers },
      seconds: row.group === 'opening' && !quick ? HOLD_SECONDS : seconds,
      tips: quick ? 3 : TIPS,
      warmUpTips: this.#warmUpTips,
    });
  }

  #section(machine: readonly string[]): string {
    const warnings = [...this.#warnings].map(([text, count]) => `${text} (${count} runs)`);
    const { title, names, syncsToDisk } = this.#contest;
    return sectionOf({
      ...{ title, names },
      records: this.#records,
      leftOut: this.#leftOut,
      failures: this.#failures,
      warnings,
      method: this.#method(machine),
      diskSync: syncsToDisk ? this.#diskSyncText() : undefined,
    });
  }

  #diskSyncText(): string {
    const [p50, p99] = [0.5, 0.99].map((part) => show(this.#diskSync.quantile(part)));
    return `a 4 KiB append with fdatasync p50 ${p50} ms, p99 ${p99} ms, max ${show(this.#diskSync.max)} ms`;
  }

  #method(machine: readonly string[]): readonly string[] {
    const { rounds, workers } = this.#config;
    const { command, syncsToDisk } = this.#contest;
    return [
      `\`npm run ${command}\` on ${new Date().toISOString().slice(0, 10)}, ${rounds} ${rounds === 1 ? 'round' : 'rounds'} in which the two alternate. Cells are least / median / most of`,
      'the rounds; where the median of Sluice is behind, it is bold.',
      '',
      ...machine.map((text) => `- ${text}`),
      `- ${this.#pinning.text}; the load is \`npm run load\` with ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
      ...(syncsToDisk ? [`- ${this.#diskSyncText()}, where nats-server keeps its streams`] : []),
      `- other work took up to ${show(this.#busy * 100)} % of the machine, looked at before each run`,
      `- ${FIXED_WORK}: the same numbers are sorted on the core of everything else before and after each run; where that took longer, the core was slower, and so was whoever was measured on it`,
      '',
      ...this.#contest.method({ ...this.#config, restMs: REST_MS, warmUpTips: this.#warmUpTips }),
    ];
  }
}

function say(text: string): void {
  process.stderr.write(`load:compare: ${text}\n`);
}
