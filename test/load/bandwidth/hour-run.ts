// The course: everything is opened, then the hour without its pauses, each new template after the shares that fall between two, then a
// while at the hour's own pace for what depends on time.
import { setImmediate as others, setTimeout as sleep } from 'node:timers/promises';
import type { Bitcoind } from '../../support/bitcoind.ts';
import { spendSinglePayment } from '../../support/mempool.ts';
import { PoolProcesses } from '../../support/pool-processes.ts';
import { waitFor } from '../../support/wait-for.ts';
import { describeMachine, describeNodeAndBus } from '../compare/machine.ts';
import { Pacer } from '../pacer.ts';
import { type Arm, Arms } from './arms.ts';
import { blocksOf, type Hour, sharesATemplate, templatesOf } from './hour.ts';
import { between, bytesOf, type Ledger } from './ledger.ts';
import type { MeasuredArm, MeasuredHour } from './measured.ts';
import { mineEmptyBlock, startSignetNode } from './signet-node.ts';
import { countSockets, type SocketCount } from './socket-bytes.ts';

/** Miners have the easiest target that they ask for. */
const EASIEST = { sharesPerMinute: 100_000, easiestDifficulty: 1e-10 } as const;
/** Shares of each arm after which sockets have their turn. */
const TURN = 25;
/** No further job comes so long after a template or a block: all that belong to it were told. */
const QUIET_MS = 300;
const PACE_STEP_MS = 2;
const TIP_MS = 30_000;
/** What is on its way arrives within. */
const AGREE_MS = 5_000;

export interface HourOptions {
  readonly hour: Hour;
  readonly transactions: number;
  readonly paceSeconds: number;
  readonly say: (text: string) => void;
}

interface Moment {
  readonly ledger: Ledger;
  readonly sockets: SocketCount;
  readonly shares: number;
}

export class HourRun {
  readonly #options: HourOptions;
  #bitcoind: Bitcoind | undefined;
  #pool: PoolProcesses | undefined;
  #arms: Arms | undefined;

  constructor(options: HourOptions) {
    this.#options = options;
  }

  /** `machine`: what everything ran on. */
  async run(): Promise<{ readonly measured: MeasuredHour; readonly machine: readonly string[] }> {
    const { hour, transactions, say } = this.#options;
    say('mining the first blocks of a signet, and filling the mempool of its node');
    const bitcoind = await startSignetNode(transactions);
    this.#bitcoind = bitcoind;
    say('starting the pool and two proxies');
    const chain = { bitcoinds: [bitcoind] };
    const pool = await PoolProcesses.start({ chain, network: 'signet', gateways: Arms.gateways, ...EASIEST });
    this.#pool = pool;
    const arms = await Arms.start(pool, hour.miners);
    this.#arms = arms;
    try {
      const measured = await this.#course(bitcoind, arms);
      return { measured, machine: [...(await describeMachine()), await describeNodeAndBus(bitcoind)] };
    } catch (error) {
      say(`${pool.logs(10)}\n${arms.logs()}`);
      throw error;
    }
  }

  /** Ends everything; also in the middle. */
  async stop(): Promise<void> {
    await this.#arms?.stop();
    await this.#pool?.stop();
    await this.#bitcoind?.stop();
  }

  async #course(bitcoind: Bitcoind, arms: Arms): Promise<MeasuredHour> {
    const { hour, paceSeconds, say } = this.#options;
    const startedAt = performance.now();
    const { feed } = arms;
    await feed.hasMoreThan(0);
    for (const { name, farm } of arms.all) {
      say(`opening the miners: ${name}`);
      await farm.open();
    }
    const templates = templatesOf(hour);
    const templatesABlock = templates / blocksOf(hour);
    for (let template = 1; template <= templates; template++) {
      if (template % 10 === 0) say(`template ${template} of ${templates}`);
      await this.#newWork(bitcoind, arms, template % templatesABlock === 0);
      for (let round = 0; round < sharesATemplate(hour); round++) await submitRound(arms.all, hour.miners);
    }
    const whole = await moments(arms.all);
    const seconds = (performance.now() - startedAt) / 1_000;
    const byWorker = arms.all.map(({ sharesByWorker }) => sharesByWorker && new Map(sharesByWorker));
    say(`at the hour's own pace for ${paceSeconds} s`);
    await this.#atPace(arms.all);
    const end = await moments(arms.all);
    if (arms.poolRefusals.length > 0) throw new Error(`the pool of Stratum V1 refused: ${arms.poolRefusals[0]}`);
    const measured = arms.all.map(({ name }, index) => measuredArm(name, whole[index]!, end[index]!, byWorker[index]));
    return { arms: measured, levels: feed.levels, jobs: feed.jobs, tips: feed.tips, seconds, paceSeconds };
  }

  /** Another template, or somebody else's block and a template on it; resolves when every miner has it. */
  async #newWork(bitcoind: Bitcoind, { all, feed }: Arms, isBlock: boolean): Promise<void> {
    const { jobs, tips } = feed;
    if (isBlock) {
      await mineEmptyBlock(bitcoind);
      await waitFor(() => feed.tips > tips, TIP_MS);
      await waitFor(() => all.every(({ farm }) => farm.isOn(feed.prevHash)), TIP_MS);
    } else await spendSinglePayment(bitcoind);
    await feed.hasMoreThan(jobs);
    let told = jobs;
    while (told !== feed.jobs) {
      told = feed.jobs;
      await sleep(QUIET_MS);
    }
  }

  /** Every miner in its turn, all arms at the same time. */
  async #atPace(arms: readonly Arm[]): Promise<void> {
    const { hour, paceSeconds } = this.#options;
    const perSecond = (hour.miners * hour.sharesPerMinute) / 60;
    const pacer = new Pacer(perSecond, performance.now());
    for (let sent = 0; sent < perSecond * paceSeconds; ) {
      for (let due = pacer.due(performance.now()); due > 0; due--) {
        for (const { farm } of arms) farm.submitOne();
        sent += 1;
      }
      await sleep(PACE_STEP_MS);
    }
    await Promise.all(arms.map(({ farm }) => farm.allAnswered()));
  }
}

/** A share of every miner of every arm. */
async function submitRound(arms: readonly Arm[], miners: number): Promise<void> {
  for (let miner = 0; miner < miners; miner++) {
    for (const { farm } of arms) farm.submitOne();
    if (miner % TURN === 0) await others();
  }
  await Promise.all(arms.map(({ farm }) => farm.allAnswered()));
}

async function moments(arms: readonly Arm[]): Promise<readonly Moment[]> {
  const taken: Moment[] = [];
  for (const arm of arms) taken.push(await momentOf(arm));
  return taken;
}

/** Waits until two counts are the same: that by message, and that of the operating system. */
async function momentOf({ name, port, farm, ledger: read }: Arm): Promise<Moment> {
  let moment: Moment | undefined;
  const agree = () => {
    const sockets = countSockets(port);
    const ledger = read();
    moment = { ledger, sockets, shares: farm.accepted };
    return bytesOf(ledger.up) === sockets.bytesUp && bytesOf(ledger.down) === sockets.bytesDown;
  };
  await waitFor(agree, AGREE_MS).catch(() => {
    throw new Error(`${name}: messages and sockets do not have the same bytes`);
  });
  return moment as Moment;
}

function measuredArm(
  name: Arm['name'],
  whole: Moment,
  end: Moment,
  sharesByWorker: ReadonlyMap<string, number> | undefined,
): MeasuredArm {
  return {
    name,
    connections: whole.sockets.connections,
    whole: whole.ledger,
    sockets: whole.sockets,
    atPace: between(whole.ledger, end.ledger),
    socketsAtPace: {
      segmentsUp: end.sockets.segmentsUp - whole.sockets.segmentsUp,
      segmentsDown: end.sockets.segmentsDown - whole.sockets.segmentsDown,
    },
    shares: whole.shares,
    sharesAtPace: end.shares - whole.shares,
    sharesByWorker,
  };
}
