// SRI's pool beside Sluice, every process of it counted: the same node, templates from a provider of ours with the same flags.
import type { Bitcoind } from '../../support/bitcoind.ts';
import { buildSriProgram } from '../../support/sri-programs.ts';
import type { LoadConfig } from '../config.ts';
import { show } from '../report/table.ts';
import {
  type Contender,
  type Contest,
  type MethodOptions,
  type Observation,
  type Side,
  warmUpText,
} from './contest.ts';
import { endLongPolls, startFilledNode, TRANSACTIONS } from './filled-node.ts';
import { describeNodeAndBus, describePeer } from './machine.ts';
import { gatewayBounds, sluicePolicy, startPoolFloor, startSluicePool, startSriPool } from './pools.ts';
import { type RowLoadOptions, rowLoad } from './row-load.ts';
import type { Row } from './rows.ts';

const QUICK_TRANSACTIONS = 20;

export class PoolContest implements Contest {
  readonly command: string;
  readonly title: string;
  readonly names: Contest['names'];
  readonly syncsToDisk = true;
  readonly #withFloor: boolean;
  #bitcoind: Bitcoind | undefined;

  /** @param withFloor in the place of SRI's */
  constructor(withFloor: boolean) {
    this.#withFloor = withFloor;
    this.command = withFloor ? 'load:compare:pool-floor' : 'load:compare';
    this.title = withFloor ? "The pool beside Node's sockets alone" : "Beside SRI's pool";
    this.names = { peer: withFloor ? "Node's sockets" : "SRI's pool_sv2", ours: 'Sluice' };
  }

  async open(quick: boolean): Promise<void> {
    this.#bitcoind = await startFilledNode(quick ? QUICK_TRANSACTIONS : TRANSACTIONS);
  }

  async versions(withPeer: boolean): Promise<readonly string[]> {
    const peer = withPeer && !this.#withFloor ? [await describePeer(await buildSriProgram('pool_sv2'))] : [];
    return [...peer, await describeNodeAndBus(this.#node)];
  }

  async start(side: Side, row: Row, observation?: Observation): Promise<Contender> {
    if (side === 'ours') return startSluicePool(this.#node, observation);
    if (this.#withFloor) return startPoolFloor(this.#node);
    return startSriPool(this.#node, await buildSriProgram('pool_sv2'), row.sriBatch);
  }

  load(row: Row, contender: Contender, options: RowLoadOptions): LoadConfig {
    const { rpcPort, cookieFile, directory } = this.#node;
    const node = `http://127.0.0.1:${rpcPort}/?${new URLSearchParams({ cookie: cookieFile })}`;
    return rowLoad(row, contender, options, ['--tip-rpc', node, '--announcements', directory]);
  }

  async note(): Promise<void> {}

  settle(): Promise<void> {
    return endLongPolls(this.#node);
  }

  method(options: MethodOptions): readonly string[] {
    return this.#withFloor ? floorMethod(options) : this.#sriMethod(options);
  }

  #sriMethod(options: MethodOptions): readonly string[] {
    const { quick, restMs } = options;
    return [
      'The same for both: the node (regtest; blocks of somebody else, without transactions), its mempool of',
      `${show(quick ? QUICK_TRANSACTIONS : TRANSACTIONS)} transactions, \`template-provider\` with the same flags, the load, new processes for each load and pool, ${restMs / 1_000} s of rest after their`,
      `start. ${warmUpText(options)} Every hash is a share, blocks are held back, and each share is acknowledged`,
      'as soon as the pool does. Not the same: SRI gets its templates by Template Distribution, from a provider without a bus that is not counted; it keeps',
      'shares in memory. Of Sluice everything is counted: connection-gateway, share-validator, channel-manager, job-distributor, template-provider and',
      'nats-server with `sync_interval: always`; a share is synced to disk before it is acknowledged, and its CPU time runs to where share-validator has',
      'credited the last one. The stream is held against what was acknowledged in each run. A new tip is timed to where each of a hundred connections, spread evenly, has read it;',
      'all others have to have it as well, and are read after these, because the load needs more time to read them than the gateway to write it.',
      '',
      'SRI: `RUST_LOG=error`, `shares_per_minute = 1000000`, claims of 1 H/s, `share_batch_size` 10, its default, where 20 are in flight, else 1, because it',
      'never answers by time. Sluice: log level `info`,',
      `\`channel-manager ${sluicePolicy.join(' ')}\`, \`connection-gateway ${gatewayBounds.join(' ')}\`.`,
    ];
  }

  async close(): Promise<void> {
    await this.#bitcoind?.stop();
    this.#bitcoind = undefined;
  }

  get #node(): Bitcoind {
    if (this.#bitcoind === undefined) throw new Error('the node is not started');
    return this.#bitcoind;
  }
}

function floorMethod(options: MethodOptions): readonly string[] {
  const { quick, restMs } = options;
  return [
    `The same for both: the node, its mempool of ${show(quick ? QUICK_TRANSACTIONS : TRANSACTIONS)} transactions, which a template is made of for the pool alone, the load, new processes for each load, ${restMs / 1_000} s of rest after their start.`,
    `${warmUpText(options)} A new tip is timed from bitcoind's announcement to where each of a hundred connections, spread evenly, has read it; all others have to have it as well, and are read after these.`,
    '',
    "Beside it stands a server on Node's sockets that is no pool (`test/load/compare/pool-floor-server.ts`): it decrypts each share and answers it at once by SubmitShares.Success, those of a connection that were read together by",
    'one; it looks at none and keeps none, in memory or on disk. It hears of a block by ZMQ itself, seals SetNewPrevHash for each connection and writes it, in one loop; there are no other jobs and no other processes. Of Sluice',
    'everything is counted: a share is stored, synced to disk, before it is acknowledged, and its CPU time runs to where share-validator has credited the last one; of a tip the full job and the one for the next height too.',
  ];
}
