// SRI's pool beside Sluice, every process of it counted: the same node, templates from a provider of ours with the same flags.
import type { Bitcoind } from '../../support/bitcoind.ts';
import { buildSriProgram } from '../../support/sri-programs.ts';
import type { LoadConfig } from '../config.ts';
import { show } from '../report/table.ts';
import type { Contender, Contest, MethodOptions, Side } from './contest.ts';
import { endLongPolls, startFilledNode, TRANSACTIONS } from './filled-node.ts';
import { describeNodeAndBus, describePeer } from './machine.ts';
import { gatewayBounds, sluicePolicy, startSluicePool, startSriPool } from './pools.ts';
import { type RowLoadOptions, rowLoad } from './row-load.ts';
import type { Row } from './rows.ts';

const QUICK_TRANSACTIONS = 20;

export class PoolContest implements Contest {
  readonly command = 'load:compare';
  readonly title = "Beside SRI's pool";
  readonly names = { peer: "SRI's pool_sv2", ours: 'Sluice' } as const;
  readonly syncsToDisk = true;
  #bitcoind: Bitcoind | undefined;

  async open(quick: boolean): Promise<void> {
    this.#bitcoind = await startFilledNode(quick ? QUICK_TRANSACTIONS : TRANSACTIONS);
  }

  async versions(withPeer: boolean): Promise<readonly string[]> {
    const peer = withPeer ? [await describePeer(await buildSriProgram('pool_sv2'))] : [];
    return [...peer, await describeNodeAndBus(this.#node)];
  }

  async start(side: Side, row: Row, profiles?: string): Promise<Contender> {
    if (side === 'ours') return startSluicePool(this.#node, profiles);
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

  method({ quick, seconds, warmUpSeconds, warmUpTips, restMs }: MethodOptions): readonly string[] {
    return [
      'The same for both: the node (regtest; blocks of somebody else, without transactions), its mempool of',
      `${show(quick ? QUICK_TRANSACTIONS : TRANSACTIONS)} transactions, \`template-provider\` with the same flags, the load, new processes for each load and pool, ${restMs / 1_000} s of rest after their`,
      `start. Loads of shares: ${show(warmUpSeconds)} s before anything counts, then ${show(seconds)} s; of tips ${warmUpTips} go before those that count. Every hash is a share, blocks are held back, and each share is acknowledged`,
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

  async close(): Promise<void> {
    await this.#bitcoind?.stop();
    this.#bitcoind = undefined;
  }

  get #node(): Bitcoind {
    if (this.#bitcoind === undefined) throw new Error('the node is not started');
    return this.#bitcoind;
  }
}
