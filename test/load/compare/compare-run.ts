// The course of a comparison: for each round and load both pools in turn, each with new processes.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { codedMessageOf } from '@sluice/runtime/errors';
import type { Bitcoind } from '../../support/bitcoind.ts';
import { buildSriProgram } from '../../support/sri-programs.ts';
import type { LoadConfig } from '../config.ts';
import { LatencyHistogram } from '../measure/latency-histogram.ts';
import { writeSection } from '../report/document-section.ts';
import { show } from '../report/table.ts';
import { verdictOf } from '../report/verdict.ts';
import type { RunResult } from '../results.ts';
import { LoadRun } from '../run.ts';
import type { CompareConfig } from './config.ts';
import { figuresOf, shareCpuByProcess } from './figures.ts';
import { endLongPolls, startFilledNode, TRANSACTIONS } from './filled-node.ts';
import { describeMachine, maxOpenFiles, measureBusy, measureDiskSync } from './machine.ts';
import { Pinning } from './pinning.ts';
import {
  gatewayBounds,
  type PoolName,
  poolNames,
  type RunningPool,
  sluicePolicy,
  startSluicePool,
  startSriPool,
} from './pools.ts';
import { rowLoad } from './row-load.ts';
import { type Row, rowOf } from './rows.ts';
import { PROCESS_PREFIX, sectionOf } from './section.ts';

const QUICK_TRANSACTIONS = 20;
/** Open files of a process beside its connections. */
const OTHER_FILES = 500;
const HOLD_SECONDS = 10;
const TIPS = 20;
/** Other work on the machine beyond this part of it makes figures that are not written down. */
const MAX_BUSY = 0.05;
/** Of a second each. */
const QUIET_TRIES = 30;
/** After a start: what is compiled and collected then. */
const REST_MS = 2_000;

interface RowValues {
  readonly row: Row;
  readonly values: Record<PoolName, Map<string, number[]>>;
}

export class CompareRun {
  readonly #config: CompareConfig;
  readonly #pinning: Pinning;
  readonly #records: readonly RowValues[];
  readonly #leftOut: string[] = [];
  readonly #failures: string[] = [];
  readonly #warnings = new Map<string, number>();
  readonly #diskSync = new LatencyHistogram();
  #busy = 0;
  #bitcoind: Bitcoind | undefined;
  #pool: RunningPool | undefined;

  constructor(config: CompareConfig) {
    const { quick, rows } = config;
    this.#config = quick ? { ...config, rounds: 1, seconds: 3, warmUpSeconds: 1 } : config;
    this.#pinning = new Pinning(config.unpinned);
    const wanted = rows.map((name) => rowOf(name, quick ? 100 : Number.POSITIVE_INFINITY));
    this.#records = wanted
      .filter((row) => this.#fits(row))
      .map((row) => ({ row, values: { "SRI's pool_sv2": new Map(), Sluice: new Map() } }));
  }

  #fits({ name, connections }: Row): boolean {
    const files = maxOpenFiles();
    if (connections + OTHER_FILES <= files) return true;
    this.#leftOut.push(`${name} was left out: a process may have ${files} open files here`);
    return false;
  }

  /** Resolves with whether everything held and, where it was to be written, was written. */
  async run(): Promise<boolean> {
    const sriProgram = await buildSriProgram('pool_sv2');
    const { rounds, quick, document } = this.#config;
    const bitcoind = await this.#startNode();
    const machine = await describeMachine(bitcoind, sriProgram);
    for (let round = 1; round <= rounds; round++) {
      measureDiskSync(this.#diskSync);
      // Whoever comes first in one round comes second in the next.
      for (const { row, values } of this.#records)
        for (const pool of round % 2 === 1 ? poolNames : poolNames.toReversed()) {
          say(`round ${round} of ${rounds}, ${row.name}: ${pool}`);
          this.#busy = Math.max(this.#busy, await this.#waitForQuiet());
          await this.#measure(pool, row, round, values[pool], sriProgram);
        }
    }
    const section = this.#section(machine);
    process.stdout.write(`${section}\n`);
    if (quick) return this.#failures.length === 0;
    if (this.#busy > MAX_BUSY) {
      say(`not written to ${document}: other work took up to ${show(this.#busy * 100)} % of the machine`);
      return false;
    }
    writeSection(document, 'load:compare', section);
    say(`written to ${document}`);
    return this.#failures.length === 0;
  }

  /** Ends everything; also in the middle. */
  async stop(): Promise<void> {
    await this.#pool?.stop();
    this.#pool = undefined;
    await this.#bitcoind?.stop();
    this.#bitcoind = undefined;
  }

  /** What is left of the run before must not be part of this one; other work may go on for longer than is waited. */
  async #waitForQuiet(): Promise<number> {
    let busy = await measureBusy();
    for (let tries = 1; busy > MAX_BUSY && tries < QUIET_TRIES && !this.#config.quick; tries++)
      busy = await measureBusy();
    return busy;
  }

  async #startNode(): Promise<Bitcoind> {
    say('filling the mempool of a node');
    const transactions = this.#config.quick ? QUICK_TRANSACTIONS : TRANSACTIONS;
    this.#bitcoind = await this.#pinning.amongServers(() => startFilledNode(transactions));
    return this.#bitcoind;
  }

  async #measure(name: PoolName, row: Row, round: number, values: Map<string, number[]>, program: string) {
    const bitcoind = this.#bitcoind;
    if (bitcoind === undefined) return;
    try {
      const pool = await this.#pinning.amongServers(() =>
        name === 'Sluice' ? startSluicePool(bitcoind) : startSriPool(bitcoind, program, row.sriBatch),
      );
      this.#pool = pool;
      this.#pinning.check(pool.processes.map(({ pid }) => pid));
      await sleep(REST_MS);
      const run = new LoadRun(this.#load(row, pool, bitcoind), (count) => pool.settled(count));
      const result = await run.run();
      const { failures, warnings } = verdictOf(result);
      for (const failure of failures) this.#failed(name, row, round, failure);
      for (const warning of warnings) this.#warned(name, row, warning);
      if (failures.length === 0) this.#take(name, row, round, values, result);
      else say(pool.logs());
    } catch (error) {
      this.#failed(name, row, round, codedMessageOf(error));
      if (this.#pool !== undefined) say(this.#pool.logs());
    } finally {
      await this.#pool?.stop();
      this.#pool = undefined;
      await endLongPolls(bitcoind);
    }
  }

  #failed(pool: PoolName, { name }: Row, round: number, why: string): void {
    const text = `FAILED: ${name}, ${pool}, round ${round}: ${why}`;
    this.#failures.push(text);
    say(text);
  }

  /** Without the numbers, which differ from run to run. */
  #warned(pool: PoolName, { name }: Row, warning: string): void {
    const [kind = ''] = warning.split(/[:;]/);
    const text = `${name}, ${pool}: ${kind.replace(/^\d+ /, '')}`;
    this.#warnings.set(text, (this.#warnings.get(text) ?? 0) + 1);
  }

  #take(pool: PoolName, row: Row, round: number, values: Map<string, number[]>, result: RunResult): void {
    const { csv } = this.#config;
    const found: (readonly [string, number])[] = figuresOf(row).map((figure) => [figure.title, figure.of(result)]);
    if (row.group === 'shares')
      for (const { process, micros } of shareCpuByProcess(result)) found.push([`${PROCESS_PREFIX}${process}`, micros]);
    for (const [title, value] of found) {
      values.set(title, [...(values.get(title) ?? []), value]);
      if (csv !== undefined) appendFileSync(csv, `${round},${row.name},${pool},"${title}",${value}\n`);
    }
  }

  #load(row: Row, pool: RunningPool, bitcoind: Bitcoind): LoadConfig {
    const { seconds, warmUpSeconds, workers, quick } = this.#config;
    return rowLoad(row, pool, bitcoind, {
      ...{ warmUpSeconds, workers },
      seconds: row.group === 'opening' && !quick ? HOLD_SECONDS : seconds,
      tips: quick ? 3 : TIPS,
    });
  }

  #section(machine: readonly string[]): string {
    const warnings = [...this.#warnings].map(([text, count]) => `${text} (${count} runs)`);
    return sectionOf({
      records: this.#records,
      leftOut: this.#leftOut,
      failures: this.#failures,
      warnings,
      method: this.#method(machine),
      diskSync: this.#diskSyncText(),
    });
  }

  #diskSyncText(): string {
    const [p50, p99] = [0.5, 0.99].map((part) => show(this.#diskSync.quantile(part)));
    return `a 4 KiB append with fdatasync p50 ${p50} ms, p99 ${p99} ms, max ${show(this.#diskSync.max)} ms`;
  }

  #method(machine: readonly string[]): readonly string[] {
    const { rounds, seconds, warmUpSeconds, workers, quick } = this.#config;
    return [
      `\`npm run load:compare\` on ${new Date().toISOString().slice(0, 10)}, ${rounds} ${rounds === 1 ? 'round' : 'rounds'} in which the pools alternate. Cells are least / median / most of`,
      'the rounds; where the median of Sluice is behind, it is bold.',
      '',
      ...machine.map((text) => `- ${text}`),
      `- ${this.#pinning.text}; the load is \`npm run load\` with ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
      `- ${this.#diskSyncText()}, where nats-server keeps its streams`,
      `- other work took up to ${show(this.#busy * 100)} % of the machine, looked at before each run`,
      '',
      'The same for both: the node (regtest; blocks of somebody else, without transactions), its mempool of',
      `${show(quick ? QUICK_TRANSACTIONS : TRANSACTIONS)} transactions, \`template-provider\` with the same flags, the load, new processes for each load and pool, ${REST_MS / 1_000} s of rest after their`,
      `start. Loads of shares: ${show(warmUpSeconds)} s before anything counts, then ${show(seconds)} s; every hash is a share, blocks are held back, and each share is acknowledged`,
      'as soon as the pool does. Not the same: SRI gets its templates by Template Distribution, from a provider without a bus that is not counted; it keeps',
      'shares in memory. Of Sluice everything is counted: connection-gateway, share-validator, channel-manager, job-distributor, template-provider and',
      'nats-server with `sync_interval: always`; a share is synced to disk before it is acknowledged, and its CPU time runs to where share-validator has',
      'credited the last one. The stream is held against what was acknowledged in each run.',
      '',
      'SRI: `RUST_LOG=error`, `shares_per_minute = 1000000`, claims of 1 H/s, `share_batch_size` 10, its default, where 20 are in flight, else 1, because it',
      'never answers by time. Sluice: log level `info`,',
      `\`channel-manager ${sluicePolicy.join(' ')}\`, \`connection-gateway ${gatewayBounds.join(' ')}\`.`,
    ];
  }
}

function say(text: string): void {
  process.stderr.write(`load:compare: ${text}\n`);
}
