// `sluice proxy` beside SRI's translator, or beside what Node's sockets cost whatever a proxy does; each in front of a pool of ours that is not counted.
import { buildSriProgram } from '../../support/sri-programs.ts';
import type { LoadConfig } from '../config.ts';
import { show } from '../report/table.ts';
import type { RunResult } from '../results.ts';
import {
  type Contender,
  type Contest,
  type MethodOptions,
  type Observation,
  type Side,
  warmUpText,
} from './contest.ts';
import { describePeer } from './machine.ts';
import {
  MINER_HASHES,
  POOL_HASHES,
  POOL_TRANSACTIONS,
  type ProxyContender,
  proxyBounds,
  proxyFlags,
  startFloor,
  startSluiceProxy,
  startSriProxy,
} from './proxies.ts';
import { type RowLoadOptions, rowLoad } from './row-load.ts';
import type { Row } from './rows.ts';

const QUICK_TRANSACTIONS = 20;
/** Enough for the pool to answer what goes up. */
const NICE_POOL = 10;
/** A pool that prepares its next job would be in the way of the last one. */
const NICE_AT_TIPS = 19;

const SRI_METHOD = [
  'SRI: `RUST_LOG=error`, `aggregate_channels = true`, `enable_vardiff = false`, `job_keepalive_interval_secs = 0`; it answers a share as soon as its own check has passed, and',
  'looks for no duplicates.',
];
const FLOOR_METHOD = [
  "Beside it stands a server on Node's sockets that is no proxy (`test/load/compare/floor-server.ts`): it finds the id of each line and answers the same bytes, looks at no share, and",
  'writes the same line to every miner in one loop when the pool tells it a new tip; not the job that follows.',
];

export class ProxyContest implements Contest {
  readonly command: string;
  readonly title: string;
  readonly names: Contest['names'];
  readonly syncsToDisk = false;
  readonly #withFloor: boolean;
  #transactions = POOL_TRANSACTIONS;
  #running: ProxyContender | undefined;
  /** Shares of miners, and what went up of them. */
  readonly #shares: Readonly<Record<Side, { answered: number; credited: number }>> = {
    peer: { answered: 0, credited: 0 },
    ours: { answered: 0, credited: 0 },
  };

  /** @param withFloor in the place of SRI's */
  constructor(withFloor: boolean) {
    this.#withFloor = withFloor;
    this.command = withFloor ? 'load:compare:floor' : 'load:compare:proxy';
    this.title = withFloor ? "Beside Node's sockets alone" : "Beside SRI's translator";
    this.names = { peer: withFloor ? "Node's sockets" : "SRI's translator_sv2", ours: 'sluice proxy' };
  }

  async open(quick: boolean): Promise<void> {
    if (quick) this.#transactions = QUICK_TRANSACTIONS;
  }

  async versions(withPeer: boolean): Promise<readonly string[]> {
    return withPeer && !this.#withFloor ? [await describePeer(await buildSriProgram('translator_sv2'))] : [];
  }

  async start(side: Side, { group }: Row, observation?: Observation): Promise<Contender> {
    const upstream = { transactions: this.#transactions, nice: group === 'tips' ? NICE_AT_TIPS : NICE_POOL };
    const startPeer = this.#withFloor ? startFloor : startSriProxy;
    this.#running = await (side === 'ours' ? startSluiceProxy(upstream, observation) : startPeer(upstream));
    return this.#running;
  }

  load(row: Row, contender: Contender, options: RowLoadOptions): LoadConfig {
    return rowLoad(row, contender, options, []);
  }

  async note(side: Side, result: RunResult): Promise<void> {
    const shares = this.#shares[side];
    shares.answered += result.shares?.counts.acknowledged ?? 0;
    shares.credited += (await this.#running?.credited()) ?? 0;
  }

  method(options: MethodOptions): readonly string[] {
    const { peer, ours } = this.#shares;
    return [
      `The same for both: a pool of ours in a process of its own, on a simulated chain with ${show(this.#transactions)} transactions for each block, whose CPU time is not counted and which comes`,
      `behind the proxy on their core (nice ${NICE_POOL}, at new tips ${NICE_AT_TIPS}), because pools are elsewhere; one channel of it for all miners; the load, new processes for each load and proxy, ${options.restMs / 1_000} s of rest after their start. CPU time and memory are those of the one process of the proxy.`,
      'A miner sends mining.configure, mining.subscribe and mining.authorize, each after the answer to the one before. Each of its shares is found by hashing and has an',
      `extranonce2 of its own. ${warmUpText(options)} A share of a miner takes ${MINER_HASHES} hashes, one of the pool ${show(POOL_HASHES)}, so that next to none goes up: of`,
      `${show(peer.answered)} shares ${show(peer.credited)} with ${this.names.peer}, of ${show(ours.answered)} ${show(ours.credited)} with Sluice. A new tip is timed from the instant at which another`,
      'miner of the pool was told of it, just before the proxy, to where each of a hundred miners, spread evenly, has read it; all others have to have it as well, and are read after',
      'these, because the load needs more time to read them than either proxy to write it.',
      '',
      ...(this.#withFloor ? FLOOR_METHOD : SRI_METHOD),
      'Sluice: log level `info`,',
      `\`proxy ${[...proxyFlags, ...proxyBounds].join(' ')}\`.`,
    ];
  }

  async settle(): Promise<void> {
    this.#running = undefined;
  }

  async close(): Promise<void> {}
}
