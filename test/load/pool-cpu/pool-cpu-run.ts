// The course: one pool, and in each round every way to it in turn, its miners idle first and then at each rate.
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bitcoind } from '../../support/bitcoind.ts';
import { PoolProcesses } from '../../support/pool-processes.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startSignetNode } from '../bandwidth/signet-node.ts';
import { describeMachine, describeNodeAndBus, measureBusy } from '../compare/machine.ts';
import { Pinning } from '../compare/pinning.ts';
import { type NamedProcess, sampleOf } from '../measure/server-processes.ts';
import { Pacer } from '../pacer.ts';
import { MAX_BUSY, writeMeasured } from '../report/document-section.ts';
import type { PoolCpuConfig } from './config.ts';
import { HASHES_A_SHARE, type RateFigures, useBetween } from './figures.ts';
import { credited, momentOf, processesOf } from './moments.ts';
import { sectionOf, type WayRecord } from './section.ts';
import { type OpenWay, openWay, type WayName, wayNames, ways } from './ways.ts';

/** Miners have the easiest target that they ask for. */
const EASIEST = { sharesPerMinute: 100_000, easiestDifficulty: 1e-10 } as const;
/** As in production. */
const TEMPLATE_SECONDS = 30;
const STEP_MS = 2;
/** After connections were opened or closed: a thousand openings use up a gateway's keys for handshakes, which it makes anew over the next eight seconds. */
const REST_MS = 12_000;
const QUICK_REST_MS = 3_000;
const SETTLED_MS = 60_000;
/** Of a second each. */
const QUIET_TRIES = 30;
/** Shares at a hundred times the work are as many as chance will have. */
const CHANCE = 5;
/** Of the work that was sent: what a target of whole numbers differs by. */
const ROUNDING = 0.01;

export class PoolCpuRun {
  readonly #config: PoolCpuConfig;
  readonly #pinning: Pinning;
  readonly #records: readonly WayRecord[] = wayNames.map((name) => ({ name, measured: [] }));
  #busy = 0;
  #bitcoind: Bitcoind | undefined;
  #pool: PoolProcesses | undefined;
  #way: OpenWay | undefined;

  constructor(config: PoolCpuConfig) {
    const quick = { rounds: 1, miners: 100, seconds: 3, idleSeconds: 2, warmUpSeconds: 1 };
    this.#config = config.quick ? { ...config, ...quick } : config;
    this.#pinning = new Pinning(config.unpinned);
  }

  /** Resolves with whether the figures were good, and written where they were to be. */
  async run(): Promise<boolean> {
    const { rounds, transactions, quick, document } = this.#config;
    say('a node with a filled mempool, and a pool');
    const bitcoind = await this.#pinning.amongServers(() => startSignetNode(transactions));
    this.#bitcoind = bitcoind;
    const chain = { bitcoinds: [bitcoind] };
    const pool = await this.#pinning.amongServers(() =>
      PoolProcesses.start({ chain, network: 'signet', templateSeconds: TEMPLATE_SECONDS, ...EASIEST }),
    );
    this.#pool = pool;
    const machine = [...(await describeMachine()), await describeNodeAndBus(bitcoind), this.#pinning.text];
    for (let round = 1; round <= rounds; round++)
      for (const name of round % 2 === 1 ? wayNames : wayNames.toReversed()) {
        say(`round ${round} of ${rounds}: ${ways[name].title}`);
        if (!quick) this.#busy = Math.max(this.#busy, await this.#waitForQuiet(pool, bitcoind));
        await this.#measure(name, pool);
      }
    const section = sectionOf({ config: this.#config, records: this.#records, machine, busy: this.#busy });
    process.stdout.write(`${section}\n`);
    if (quick) return true;
    return writeMeasured(document, 'load:pool-cpu', section, this.#busy, say);
  }

  /** Ends everything; also in the middle. */
  async stop(): Promise<void> {
    await this.#way?.close();
    await this.#pool?.stop();
    await this.#bitcoind?.stop();
  }

  /** Beside the pool and its node, which are idle. */
  async #waitForQuiet(pool: PoolProcesses, bitcoind: Bitcoind): Promise<number> {
    const ours = [...processesOf(pool), { name: 'bitcoind', pid: bitcoind.pid ?? 0 }];
    let busy = await busyBeside(ours);
    for (let tries = 1; busy > MAX_BUSY && tries < QUIET_TRIES; tries++) busy = await busyBeside(ours);
    return busy;
  }

  async #measure(name: WayName, pool: PoolProcesses): Promise<void> {
    const { miners, rates, idleSeconds } = this.#config;
    const way = await this.#pinning.amongServers(() => openWay(name, pool, miners));
    this.#way = way;
    const processes = [...processesOf(pool), ...way.beside];
    this.#pinning.check(processes.map(({ pid }) => pid));
    await sleep(this.#restMs);
    const before = await momentOf(pool, processes);
    await sleep(idleSeconds * 1_000);
    const idle = useBetween(before, await momentOf(pool, processes));
    const measured = this.#records.find((record) => record.name === name)?.measured;
    for (const rate of rates) measured?.push({ ...(await this.#atRate(rate, way, pool, processes)), rate, idle });
    await way.close();
    this.#way = undefined;
    await sleep(this.#restMs);
  }

  get #restMs(): number {
    return this.#config.quick ? QUICK_REST_MS : REST_MS;
  }

  async #atRate(
    rate: number,
    way: OpenWay,
    pool: PoolProcesses,
    processes: readonly NamedProcess[],
  ): Promise<Omit<RateFigures, 'rate' | 'idle'>> {
    const { seconds, warmUpSeconds } = this.#config;
    const settledBefore = (await credited(pool)).shares - way.sentUp();
    const settle = () => waitFor(async () => (await credited(pool)).shares >= settledBefore + way.sentUp(), SETTLED_MS);
    await send(way, rate, warmUpSeconds);
    await settle();
    const [from, sharesBefore, upBefore] = [await momentOf(pool, processes), way.farm.accepted, way.sentUp()];
    await send(way, rate, seconds);
    await settle();
    const to = await momentOf(pool, processes);
    const figures = {
      loaded: useBetween(from, to),
      shares: way.farm.accepted - sharesBefore,
      sentUp: way.sentUp() - upBefore,
      work: to.work - from.work,
      seconds: (to.atMs - from.atMs) / 1_000,
    };
    checkWork(figures);
    return figures;
  }
}

/** Whether the pool credited the work that the miners did. */
function checkWork({ shares, sentUp, work }: Pick<RateFigures, 'shares' | 'sentUp' | 'work'>): void {
  const done = shares * HASHES_A_SHARE;
  const chance = sentUp === shares ? 0 : CHANCE / Math.sqrt(sentUp);
  if (Math.abs(work / done - 1) > ROUNDING + chance) throw new Error(`work of ${work} was credited, ${done} was done`);
}

/** At a steady rate, until the last one is answered. */
async function send({ farm }: OpenWay, rate: number, seconds: number): Promise<void> {
  const from = performance.now();
  const pacer = new Pacer(rate, from);
  while (performance.now() < from + seconds * 1_000) {
    for (let due = pacer.due(performance.now()); due > 0; due--) farm.submitOne();
    await sleep(STEP_MS);
  }
  await farm.allAnswered();
}

/** Part of all cores that others take. */
async function busyBeside(processes: readonly NamedProcess[]): Promise<number> {
  const used = () => processes.reduce((sum, process) => sum + (sampleOf(process)?.cpuSeconds ?? 0), 0);
  const [from, before] = [performance.now(), used()];
  const busy = await measureBusy();
  const ours = (used() - before) / ((performance.now() - from) / 1_000) / cpus().length;
  return Math.max(0, busy - ours);
}

function say(text: string): void {
  process.stderr.write(`load:pool-cpu: ${text}\n`);
}
