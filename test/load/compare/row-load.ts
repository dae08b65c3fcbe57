// The load of a row, as `npm run load` takes it.
import type { LoadConfig } from '../config.ts';
import { loadConfigOf } from '../load-config.ts';
import type { Contender } from './contest.ts';
import type { Row } from './rows.ts';

export interface RowLoadOptions {
  /** Of the measured part. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly workers: number;
  /** New tips, in rows of tips. */
  readonly tips: number;
  /** Before these; they do not count. */
  readonly warmUpTips: number;
}

/** `tipFlags`: where new blocks come from, if by a flag. */
export function rowLoad(
  row: Row,
  contender: Pick<Contender, 'url' | 'processes' | 'loadFlags'>,
  options: RowLoadOptions,
  tipFlags: readonly string[],
): LoadConfig {
  const argv = [
    ...['--pool', contender.url, '--name', row.name, '--connections', String(row.connections), ...row.flags],
    ...['--workers', String(options.workers), '--warm-up-seconds', String(options.warmUpSeconds)],
    ...['--seconds', String(options.seconds)],
    ...contender.processes.flatMap(({ name, pid }) => ['--pids', `${name}=${pid}`]),
    ...(row.group === 'shares' ? contender.loadFlags : []),
    ...(row.group === 'tips'
      ? ['--rounds', String(options.tips), '--warm-up-rounds', String(options.warmUpTips), ...tipFlags]
      : []),
  ];
  return loadConfigOf(argv);
}
