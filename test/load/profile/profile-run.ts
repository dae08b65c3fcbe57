// The course of `npm run load:profile`: each load twice on new processes of Sluice. The first time gives what a share costs; the second
// time they leave CPU profiles when they end, and the profiler, whose own cost is by time and not by share, is not counted.
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender, Contest, Observation } from '../compare/contest.ts';
import { contestOf } from '../compare/contest-of.ts';
import { openingCpuByProcess, type ProcessCpu, shareCpuByProcess } from '../compare/figures.ts';
import { describeMachine } from '../compare/machine.ts';
import { Pinning } from '../compare/pinning.ts';
import { profiledRowNames, type Row, rowNamesOf, rowOf, type Subject } from '../compare/rows.ts';
import { writeSection } from '../report/document-section.ts';
import { show } from '../report/table.ts';
import { verdictOf } from '../report/verdict.ts';
import type { RunResult } from '../results.ts';
import { LoadRun } from '../run.ts';
import type { Mark } from '../server-record.ts';
import type { ProfileConfig } from './config.ts';
import { readProfile, selfTimes } from './cpu-profile.ts';
import { type LoadProfile, type ProcessProfile, summaryOf } from './summary.ts';

interface Profiled {
  readonly unit: LoadProfile['unit'];
  readonly from: Mark;
  readonly to: Mark;
  readonly cost: (run: RunResult) => readonly ProcessCpu[];
  /** Those that see every one. */
  readonly processes: Readonly<Record<Subject, readonly string[]>>;
}
const SHARES: Profiled = {
  ...{ unit: 'a share', from: 'begin', to: 'settled', cost: shareCpuByProcess },
  processes: { pool: ['connection-gateway', 'share-validator'], proxy: ['proxy'] },
};
const OPENINGS: Profiled = {
  ...{ unit: 'an opening', from: 'start', to: 'opened', cost: openingCpuByProcess },
  processes: { pool: ['connection-gateway', 'channel-manager'], proxy: ['proxy'] },
};
const COMMANDS: Readonly<Record<Subject, string>> = { pool: 'load:profile', proxy: 'load:profile:proxy' };
const TITLES: Readonly<Record<Subject, string>> = {
  pool: 'Where the time of a share and of an opening goes',
  proxy: 'Where the time of a share and of an opening goes in the proxy',
};
const REST_MS = 2_000;

export class ProfileRun {
  readonly #config: ProfileConfig;
  readonly #contest: Contest;
  readonly #pinning = new Pinning(false);
  #contender: Contender | undefined;

  constructor(config: ProfileConfig) {
    this.#config = config;
    this.#contest = contestOf(config.subject, false);
  }

  /** @throws when a load failed. */
  async run(): Promise<true> {
    const { subject, document, dry, seconds, warmUpSeconds } = this.#config;
    await this.#pinning.amongServers(() => this.#contest.open(false));
    const machine = [...(await describeMachine()), ...(await this.#contest.versions(false))];
    const all = rowNamesOf(subject).filter((name) => profiledRowNames.includes(name));
    const rows = this.#config.rows.length > 0 ? this.#config.rows : all;
    const profiles: LoadProfile[] = [];
    for (const name of rows) profiles.push(await this.#profile(rowOf(name)));
    const summary = summaryOf(TITLES[subject], profiles, [
      `\`npm run ${COMMANDS[subject]}\` on ${new Date().toISOString().slice(0, 10)}: the loads of the comparison on new processes of Sluice; of shares ${show(warmUpSeconds)} s before anything counts, then ${show(seconds)} s. The lines`,
      'of all are the account that the system keeps of the whole process, every thread and the collector of garbage included, from the first measured share to the last one',
      "credited, or from the first connection to the last one's job. A second run under V8's sampling profiler (`node --cpu-prof`) says how they are spread. Its samples are of time, not of CPU time: where one core serves",
      'several processes, a system call that wakes another one is charged with what that one then does. A system call is counted for the built-in function that makes it,',
      "and for native code where libuv makes it. Samples are of the main thread: what V8's other threads took is spread like them.",
      '',
      ...machine.map((text) => `- ${text}`),
      `- ${this.#pinning.text}`,
    ]);
    process.stdout.write(`${summary}\n`);
    if (dry) return true;
    writeSection(document, COMMANDS[subject], summary);
    say(`written to ${document}`);
    return true;
  }

  /** Ends everything; also in the middle. */
  async stop(): Promise<void> {
    await this.#contender?.stop();
    this.#contender = undefined;
    await this.#contest.close();
  }

  async #profile(row: Row): Promise<LoadProfile> {
    say(row.title);
    // Each service has a working folder of its own.
    const folder = resolve(this.#config.profiles, row.name);
    rmSync(folder, { recursive: true, force: true });
    const what = row.group === 'opening' ? OPENINGS : SHARES;
    const costs = what.cost(await this.#load(row));
    const { marks } = await this.#load(row, profilesIn(folder));
    const times = [what.from, what.to].map((mark) => marks.get(mark) ?? Number.NaN);
    const processes = what.processes[this.#config.subject].map((process) => profileOf(process, folder, costs, times));
    const title = row.group === 'opening' ? `opening ${row.title}` : row.title;
    return { title, unit: what.unit, processes };
  }

  async #load(row: Row, observation?: Observation): Promise<RunResult> {
    const contender = await this.#pinning.amongServers(() => this.#contest.start('ours', row, observation));
    this.#contender = contender;
    await sleep(REST_MS);
    const load = this.#contest.load(row, contender, { ...this.#config, tips: 0, warmUpTips: 0 });
    const result = await new LoadRun(load, contender.hooks).run();
    const { failures } = verdictOf(result);
    if (failures.length > 0) throw new Error(`${row.name}: ${failures.join('; ')}\n${contender.logs()}`);
    await contender.stop();
    this.#contender = undefined;
    await this.#contest.settle();
    return result;
  }
}

/** Each service leaves a CPU profile there when it ends, in a folder of its name. */
const profilesIn = (folder: string): Observation => ({
  nodeFlags: (service) => ['--cpu-prof', '--cpu-prof-dir', join(folder, service)],
});

function profileOf(
  process: string,
  folder: string,
  costs: readonly ProcessCpu[],
  [from = Number.NaN, to = Number.NaN]: readonly number[],
): ProcessProfile {
  const cpu = costs.find((each) => each.process === process);
  const profile = readProfile(mainThread(join(folder, process)));
  return {
    process,
    micros: cpu?.micros ?? Number.NaN,
    systemMicros: cpu?.systemMicros ?? Number.NaN,
    selfTimes: selfTimes(profile, from, to),
  };
}

/** `CPU.<date>.<time>.<pid>.<thread>.<sequence>.cpuprofile`, the last one: a service that begins anew with other flags leaves one before. */
function mainThread(folder: string): string {
  const files = readdirSync(folder).filter((name) => /\.0\.\d+\.cpuprofile$/.test(name));
  const file = files.sort().at(-1);
  if (file === undefined) throw new Error(`no CPU profile in ${folder}: the service did not end in order`);
  return join(folder, file);
}

function say(text: string): void {
  process.stderr.write(`load:profile: ${text}\n`);
}
