// The load of a row, as `npm run load` takes it.
import { loadConfig } from '@sluice/runtime/config/load';
import type { Bitcoind } from '../../support/bitcoind.ts';
import { type LoadConfig, loadRule, loadSettings } from '../config.ts';
import type { RunningPool } from './pools.ts';
import type { Row } from './rows.ts';

export interface RowLoadOptions {
  /** Of the measured part. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly workers: number;
  /** New tips, in rows of tips. */
  readonly tips: number;
}

export function rowLoad(row: Row, pool: RunningPool, bitcoind: Bitcoind, options: RowLoadOptions): LoadConfig {
  const { rpcPort, cookieFile, directory } = bitcoind;
  const argv = [
    ...['--pool', pool.url, '--name', row.name, '--connections', String(row.connections), ...row.flags],
    ...['--workers', String(options.workers), '--warm-up-seconds', String(options.warmUpSeconds)],
    ...['--seconds', String(options.seconds)],
    ...pool.processes.flatMap(({ name, pid }) => ['--pids', `${name}=${pid}`]),
    ...(row.group === 'shares' ? pool.loadFlags : []),
  ];
  if (row.group === 'tips') {
    const node = `http://127.0.0.1:${rpcPort}/?${new URLSearchParams({ cookie: cookieFile })}`;
    argv.push('--tip-rpc', node, '--announcements', directory, '--rounds', String(options.tips));
  }
  const loaded = loadConfig(loadSettings, { argv, env: {} }, loadRule);
  if (loaded.kind !== 'config') throw new Error(loaded.kind === 'mistakes' ? loaded.mistakes.join('\n') : loaded.kind);
  return loaded.config;
}
