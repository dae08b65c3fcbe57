// The course: a node with a filled mempool, a pool, all miners connected, then shares at a steady rate for the whole time, a transaction and with it a
// template every few seconds, and blocks of somebody else.
import { writeFileSync } from 'node:fs';
import { messageOf } from '@sluice/runtime/errors';
import type { Bitcoind } from '../../support/bitcoind.ts';
import { spendSinglePayment } from '../../support/mempool.ts';
import { PoolProcesses } from '../../support/pool-processes.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startFilledNode, TRANSACTIONS } from '../compare/filled-node.ts';
import { describeMachine, describeNodeAndBus } from '../compare/machine.ts';
import { gatewayBounds } from '../compare/pools.ts';
import type { LoadConfig } from '../config.ts';
import { loadConfigOf } from '../load-config.ts';
import { credited, processesOf } from '../pool-cpu/moments.ts';
import { writeSection } from '../report/document-section.ts';
import { rateFailures, verdictOf } from '../report/verdict.ts';
import { LoadRun } from '../run.ts';
import { tipHookOf } from '../tip-hook.ts';
import type { LongConfig } from './config.ts';
import { memoryPlot } from './memory-plot.ts';
import { ProcessWatch, type Watch } from './process-watch.ts';
import { longVerdict, sectionOf } from './section.ts';

/** Miners have the easiest target that they ask for. */
const EASIEST = { sharesPerMinute: 100_000, easiestDifficulty: 1e-10 } as const;
const SETTLED_MS = 300_000;
/** A core that they all share would have each wait for the others, which is no stall of its own. */
const NOT_PINNED = 'the load and the processes of the pool on whatever core is free';

export class LongRun {
  readonly #config: LongConfig;
  #bitcoind: Bitcoind | undefined;
  #pool: PoolProcesses | undefined;
  #load: LoadRun | undefined;
  #watch: ProcessWatch | undefined;
  #transactions: NodeJS.Timeout | undefined;
  /** Templates that would have come, had their transaction. */
  #unmade = 0;

  constructor(config: LongConfig) {
    this.#config = config;
  }

  /** Resolves with whether everything held. */
  async run(): Promise<boolean> {
    const { document, plot, dry, templateSeconds } = this.#config;
    say('a node with a filled mempool, and a pool');
    const bitcoind = await startFilledNode(TRANSACTIONS);
    this.#bitcoind = bitcoind;
    const pool = await PoolProcesses.start({
      ...{ chain: { bitcoinds: [bitcoind] }, templateSeconds, gatewayFlags: gatewayBounds, ...EASIEST },
    });
    this.#pool = pool;
    const load = this.#loadConfig(bitcoind, pool);
    const makeBlock = tipHookOf(load);
    let watch: Watch | undefined;
    this.#load = new LoadRun(load, {
      newBlock: async () => {
        // All are connected, and shares are sent.
        this.#watch ??= this.#begin(bitcoind, pool);
        return (await makeBlock?.()) ?? {};
      },
      settled: async (acknowledged) => {
        // Before the stream is read and all miners leave, which is no part of the load.
        clearInterval(this.#transactions);
        watch = await this.#watch?.end();
        await waitFor(async () => (await credited(pool)).shares >= acknowledged, SETTLED_MS);
      },
    });
    const result = await this.#load.run();
    const failures = [
      ...verdictOf(result).failures,
      ...rateFailures(result),
      ...(this.#unmade > 0 ? [`${this.#unmade} templates had no new transaction`] : []),
      ...(watch === undefined ? ['nothing was seen of the processes'] : longVerdict(this.#config, watch)),
    ];
    const processes = watch?.processes ?? [];
    const machine = [...(await describeMachine()), await describeNodeAndBus(bitcoind), NOT_PINNED];
    const section = sectionOf({ config: this.#config, result, processes, failures, machine });
    process.stdout.write(`${section}\n`);
    if (!dry) {
      writeFileSync(plot, memoryPlot(processes, this.#config.settledMinutes));
      writeSection(document, 'load:long', section);
      say(`written to ${document} and ${plot}`);
    }
    return failures.length === 0;
  }

  /** Ends everything; also in the middle. */
  async stop(): Promise<void> {
    clearInterval(this.#transactions);
    this.#watch?.stop();
    this.#load?.end();
    await this.#pool?.stop();
    await this.#bitcoind?.stop();
    this.#bitcoind = undefined;
    this.#pool = undefined;
  }

  #begin(bitcoind: Bitcoind, pool: PoolProcesses): ProcessWatch {
    this.#transactions = setInterval(
      () =>
        void spendSinglePayment(bitcoind).catch((error: unknown) => {
          this.#unmade += 1;
          say(`no new transaction: ${messageOf(error)}`);
        }),
      this.#config.templateSeconds * 1_000,
    );
    return new ProcessWatch(pool);
  }

  #loadConfig({ rpcPort, cookieFile, directory }: Bitcoind, pool: PoolProcesses): LoadConfig {
    const { connections, rate, blockSeconds, settlingMinutes, minutes } = this.#config;
    const node = `http://127.0.0.1:${rpcPort}/?${new URLSearchParams({ cookie: cookieFile })}`;
    const argv = [
      ...['--pool', `stratum2+tcp://127.0.0.1:${pool.gatewayPort()}/${pool.authorityKey}`, '--name', 'long'],
      ...['--connections', String(connections), '--mode', 'new-tip', '--rate', String(rate)],
      ...[
        '--rounds',
        String(Math.ceil(((settlingMinutes + minutes) * 60) / blockSeconds)),
        '--round-seconds',
        String(blockSeconds),
      ],
      ...['--tip-rpc', node, '--announcements', directory, '--nats', pool.nats.url],
      ...processesOf(pool).flatMap(({ name, pid }) => ['--pids', `${name}=${pid}`]),
    ];
    return loadConfigOf(argv);
  }
}

function say(text: string): void {
  process.stderr.write(`load:long: ${text}\n`);
}
