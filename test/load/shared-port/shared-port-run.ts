// The course: for each round and load one gateway, several processes and several threads in turn, each in a new pool on the same node.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bitcoind } from '../../support/bitcoind.ts';
import { PoolProcesses } from '../../support/pool-processes.ts';
import { waitFor } from '../../support/wait-for.ts';
import { figuresOf } from '../compare/figures.ts';
import { endLongPolls, startFilledNode } from '../compare/filled-node.ts';
import { describeMachine, measureBusy } from '../compare/machine.ts';
import { gatewayBounds } from '../compare/pools.ts';
import { rowLoad } from '../compare/row-load.ts';
import { type Row, rowOf } from '../compare/rows.ts';
import { credited, processesOf } from '../pool-cpu/moments.ts';
import { markdownOf, show } from '../report/table.ts';
import { verdictOf } from '../report/verdict.ts';
import { LoadRun } from '../run.ts';
import type { Arrangement, SharedPortConfig } from './config.ts';
import { GATEWAY, gatewayFigures, privateBytes } from './gateway-figures.ts';

const TRANSACTIONS = 200;
/** Miners have the easiest target that they ask for. */
const EASIEST = { sharesPerMinute: 100_000, easiestDifficulty: 1e-10 } as const;
/** As in production. */
const TEMPLATE_SECONDS = 30;
/** After a start: what is compiled and collected then. */
const REST_MS = 2_000;
const STARTED_MS = 60_000;
const SETTLED_MS = 60_000;
const MIB = 1_048_576;

type Values = Map<string, number[]>;

export class SharedPortRun {
  readonly #config: SharedPortConfig;
  readonly #records: readonly { readonly row: Row; readonly values: ReadonlyMap<Arrangement, Values> }[];
  #bitcoind: Bitcoind | undefined;
  #pool: PoolProcesses | undefined;

  constructor(config: SharedPortConfig) {
    this.#config = config;
    this.#records = config.rows.map((name) => ({
      row: rowOf(name),
      values: new Map(config.arrangements.map((arrangement) => [arrangement, new Map()])),
    }));
  }

  /** Resolves with whether everything held. */
  async run(): Promise<boolean> {
    const { rounds, arrangements, gateways } = this.#config;
    const bitcoind = await startFilledNode(TRANSACTIONS);
    this.#bitcoind = bitcoind;
    let held = true;
    for (let round = 1; round <= rounds; round++)
      for (const { row, values } of this.#records)
        for (const arrangement of round % 2 === 1 ? arrangements : arrangements.toReversed()) {
          const busy = await measureBusy();
          const name = arrangement === 'one' ? arrangement : `${gateways} ${arrangement}`;
          say(`round ${round} of ${rounds}, ${row.name}: ${name}; other work takes ${show(busy * 100)} %`);
          held = (await this.#measure(arrangement, row, bitcoind, values.get(arrangement) ?? new Map())) && held;
        }
    process.stdout.write(
      `${[...(await describeMachine()).map((line) => `- ${line}`), '', ...this.#tables()].join('\n')}\n`,
    );
    return held;
  }

  /** Ends everything; also in the middle. */
  async stop(): Promise<void> {
    await this.#pool?.stop();
    await this.#bitcoind?.stop();
  }

  async #measure(arrangement: Arrangement, row: Row, bitcoind: Bitcoind, values: Values): Promise<boolean> {
    const pool = await this.#start(arrangement, bitcoind);
    await sleep(REST_MS);
    const processes = processesOf(pool);
    const own = processes.filter(({ name }) => name === GATEWAY).reduce((sum, { pid }) => sum + privateBytes(pid), 0);
    const { rpcPort, cookieFile, directory } = bitcoind;
    const node = `http://127.0.0.1:${rpcPort}/?${new URLSearchParams({ cookie: cookieFile })}`;
    const url = `stratum2+tcp://127.0.0.1:${pool.gatewayPort()}/${pool.authorityKey}`;
    const { seconds, warmUpSeconds, tips } = this.#config;
    const options = { seconds, warmUpSeconds, workers: 1, tips, warmUpTips: tips };
    const load = rowLoad(row, { url, processes, loadFlags: ['--nats', pool.nats.url] }, options, [
      ...['--tip-rpc', node, '--announcements', directory],
    ]);
    const settled = (count: number) => waitFor(async () => (await credited(pool)).shares >= count, SETTLED_MS);
    const result = await new LoadRun(load, { settled }).run();
    const { failures } = verdictOf(result);
    for (const failure of failures) say(`FAILED: ${failure}`);
    if (failures.length > 0) say(pool.logs());
    else {
      const figures = [...figuresOf(row), ...gatewayFigures[row.group]];
      for (const { title, of } of figures) add(values, title, of(result));
      add(values, 'private MiB before, gateways', own / MIB);
    }
    await pool.stop();
    this.#pool = undefined;
    await endLongPolls(bitcoind);
    return failures.length === 0;
  }

  async #start(arrangement: Arrangement, bitcoind: Bitcoind): Promise<PoolProcesses> {
    const { gateways } = this.#config;
    const threads = arrangement === 'threads' ? gateways - 1 : 0;
    const program = new URL(`gateway-threads.ts?threads=${threads}`, import.meta.url);
    const pool = await PoolProcesses.start({
      ...{ ...EASIEST, chain: { bitcoinds: [bitcoind] }, templateSeconds: TEMPLATE_SECONDS },
      ...{ gatewayFlags: gatewayBounds, oneGatewayPort: true },
      gateways: arrangement === 'processes' ? gateways : 1,
      gatewayNodeFlags: threads > 0 ? ['--import', program.href] : [],
    });
    this.#pool = pool;
    const listening = () => pool.service(`${GATEWAY}-0`).log().split('"miners can connect"').length - 1;
    await waitFor(() => listening() === threads + 1, STARTED_MS);
    return pool;
  }

  #tables(): readonly string[] {
    const { arrangements, gateways } = this.#config;
    return this.#records.map(({ row, values }) => {
      const titles = [...new Set([...values.values()].flatMap((each) => [...each.keys()]))];
      return markdownOf({
        title: row.title,
        columns: ['', ...arrangements.map((name) => (name === 'one' ? name : `${gateways} ${name}`))],
        rows: titles.map((title) => [
          title,
          ...arrangements.map((name) => (values.get(name)?.get(title) ?? []).map(show).join(', ')),
        ]),
      });
    });
  }
}

function add(values: Values, title: string, value: number): void {
  values.set(title, [...(values.get(title) ?? []), value]);
}

function say(text: string): void {
  process.stderr.write(`load:shared-port: ${text}\n`);
}
