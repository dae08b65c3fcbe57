// The course of `npm run load:profile`: each load twice on new processes of Sluice. The first time gives what a share costs; the second
// time they leave CPU profiles when they end, and the profiler, whose own cost is by time and not by share, is not counted.
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bitcoind } from '../../support/bitcoind.ts';
import { type ShareCpu, shareCpuByProcess } from '../compare/figures.ts';
import { endLongPolls, startFilledNode, TRANSACTIONS } from '../compare/filled-node.ts';
import { describeMachine } from '../compare/machine.ts';
import { Pinning } from '../compare/pinning.ts';
import { type RunningPool, startSluicePool } from '../compare/pools.ts';
import { rowLoad } from '../compare/row-load.ts';
import { type Row, rowOf } from '../compare/rows.ts';
import { writeSection } from '../report/document-section.ts';
import { show } from '../report/table.ts';
import { verdictOf } from '../report/verdict.ts';
import type { RunResult } from '../results.ts';
import { LoadRun } from '../run.ts';
import type { ProfileConfig } from './config.ts';
import { readProfile, selfTimes } from './cpu-profile.ts';
import { type LoadProfile, type ProcessProfile, summaryOf } from './summary.ts';

/** The two that see every share. */
const PROCESSES = ['connection-gateway', 'share-validator'] as const;
const REST_MS = 2_000;

export class ProfileRun {
  readonly #config: ProfileConfig;
  readonly #pinning = new Pinning(false);
  #bitcoind: Bitcoind | undefined;
  #pool: RunningPool | undefined;

  constructor(config: ProfileConfig) {
    this.#config = config;
  }

  /** @throws when a load failed. */
  async run(): Promise<void> {
    const { rows, document, dry, seconds, warmUpSeconds } = this.#config;
    say('filling the mempool of a node');
    const bitcoind = await this.#pinning.amongServers(() => startFilledNode(TRANSACTIONS));
    this.#bitcoind = bitcoind;
    const machine = await describeMachine(bitcoind);
    const profiles: LoadProfile[] = [];
    for (const name of rows) profiles.push(await this.#profile(rowOf(name), bitcoind));
    const summary = summaryOf(profiles, [
      `\`npm run load:profile\` on ${new Date().toISOString().slice(0, 10)}: the loads of the comparison on new processes of Sluice, ${show(warmUpSeconds)} s before anything counts, then ${show(seconds)} s. The lines`,
      'of all are the account that the system keeps of the whole process, every thread and the collector of garbage included, from the first measured share to the last one',
      "credited. A second run under V8's sampling profiler (`node --cpu-prof`) says how they are spread. Its samples are of time, not of CPU time: where one core serves",
      'several processes, a system call that wakes another one is charged with what that one then does. A system call is counted for the built-in function that makes it,',
      'and for native code where libuv makes it.',
      '',
      ...machine.map((text) => `- ${text}`),
      `- ${this.#pinning.text}`,
    ]);
    process.stdout.write(`${summary}\n`);
    if (dry) return;
    writeSection(document, 'load:profile', summary);
    say(`written to ${document}`);
  }

  /** Ends everything; also in the middle. */
  async stop(): Promise<void> {
    await this.#pool?.stop();
    this.#pool = undefined;
    await this.#bitcoind?.stop();
    this.#bitcoind = undefined;
  }

  async #profile(row: Row, bitcoind: Bitcoind): Promise<LoadProfile> {
    say(row.title);
    // Each service has a working folder of its own.
    const folder = resolve(this.#config.profiles, row.name);
    rmSync(folder, { recursive: true, force: true });
    const costs = shareCpuByProcess(await this.#load(row, bitcoind));
    const profiled = await this.#load(row, bitcoind, folder);
    return { title: row.title, processes: PROCESSES.map((process) => profileOf(process, folder, costs, profiled)) };
  }

  async #load(row: Row, bitcoind: Bitcoind, profiles?: string): Promise<RunResult> {
    const pool = await this.#pinning.amongServers(() => startSluicePool(bitcoind, profiles));
    this.#pool = pool;
    await sleep(REST_MS);
    const load = rowLoad(row, pool, bitcoind, { ...this.#config, tips: 0 });
    const result = await new LoadRun(load, (count) => pool.settled(count)).run();
    const { failures } = verdictOf(result);
    if (failures.length > 0) throw new Error(`${row.name}: ${failures.join('; ')}\n${pool.logs()}`);
    await pool.stop();
    this.#pool = undefined;
    await endLongPolls(bitcoind);
    return result;
  }
}

function profileOf(
  process: string,
  folder: string,
  costs: readonly ShareCpu[],
  { marks }: Pick<RunResult, 'marks'>,
): ProcessProfile {
  const cpu = costs.find((each) => each.process === process);
  const from = marks.get('begin') ?? Number.NaN;
  const to = marks.get('settled') ?? Number.NaN;
  const profile = readProfile(mainThread(join(folder, process)));
  return {
    process,
    micros: cpu?.micros ?? Number.NaN,
    systemMicros: cpu?.systemMicros ?? Number.NaN,
    selfTimes: selfTimes(profile, from, to),
  };
}

/** `CPU.<date>.<time>.<pid>.<thread>.<sequence>.cpuprofile`. */
function mainThread(folder: string): string {
  const file = readdirSync(folder).find((name) => /\.0\.\d+\.cpuprofile$/.test(name));
  if (file === undefined) throw new Error(`no CPU profile in ${folder}: the service did not end in order`);
  return join(folder, file);
}

function say(text: string): void {
  process.stderr.write(`load:profile: ${text}\n`);
}
