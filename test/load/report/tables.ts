// The figures of a run as tables.
import { inFlightOf, type LoadConfig, makesBlocks } from '../config.ts';
import type { LatencyHistogram } from '../measure/latency-histogram.ts';
import { openPhases } from '../orders.ts';
import { formatPoolAddress } from '../pool-address.ts';
import type { OpenResult, RunResult, ShareResult, TipResult } from '../results.ts';
import { cpuBetween, type Mark, rssAt, type ServerUse } from '../server-record.ts';
import type { Cell, Table } from './table.ts';

const MIB = 1_048_576;
const KIB = 1_024;

export function tablesOf(result: RunResult): readonly Table[] {
  const { open, reopen, shares, tips, servers } = result;
  return [
    settings(result.config, result.startedAt),
    ...opening('Opening', open),
    ...(reopen === undefined ? [] : opening('Opening again', reopen)),
    ...(shares === undefined ? [] : [shareCounts(result, shares), latency('Share to acknowledgement, ms', shares)]),
    ...(tips === undefined ? [] : [tipDelays(tips), tipRounds(tips)]),
    ...(servers.length === 0 ? [] : [serverUse(servers), serverCosts(result)]),
    traffic(result),
    own(result),
  ];
}

function settings(config: LoadConfig, startedAt: Date): Table {
  const { mode, kind, connections, channels, workers, rate, seconds, ackBatch, pool } = config;
  const rows: (readonly [string, Cell])[] = [
    ['name', config.name],
    ['started', startedAt.toISOString()],
    ['pool', pool.map(({ host, port, protocol }) => formatPoolAddress({ host, port, protocol })).join(' ')],
    ['mode', mode],
    ['connections', connections],
    ['channels of each', channels],
    ['kind', kind],
    ['workers', workers],
  ];
  if (mode !== 'open' && mode !== 'reconnect' && !makesBlocks(config)) rows.push(['measured, s', seconds]);
  if (mode === 'pipelined' || mode === 'one-in-flight') rows.push(['in flight on a channel', inFlightOf(config)]);
  if (rate !== undefined) rows.push(['shares/s wanted', rate]);
  if (ackBatch > 1) rows.push(['shares to an acknowledgement', ackBatch]);
  return { title: 'Run', columns: ['setting', 'value'], rows };
}

const LATENCY_COLUMNS = ['count', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max'] as const;

function latencyCells(histogram: LatencyHistogram): readonly Cell[] {
  const quantiles = [0.5, 0.9, 0.99, 0.999].map((part) => histogram.quantile(part));
  return [histogram.count, histogram.mean, ...quantiles, histogram.max];
}

function opening(title: string, { opened, seconds, failed, phases }: OpenResult): readonly Table[] {
  const rows: (readonly [string, Cell])[] = [
    ['opened', opened],
    ...[...failed].map(([reason, count]) => [`failed: ${reason}`, count] as const),
    ['s', seconds],
    ['opens/s', opened / seconds],
  ];
  return [
    { title, columns: ['connections', 'value'], rows },
    {
      title: `${title}, ms`,
      columns: ['step', ...LATENCY_COLUMNS],
      rows: openPhases.map((phase) => [phase, ...latencyCells(phases[phase])]),
    },
  ];
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

function shareCounts({ config, stored }: RunResult, shares: ShareResult): Table {
  const { counts, seconds, hashes } = shares;
  const rows: (readonly [string, Cell, Cell?])[] = [
    ['sent', counts.sent, total(shares.sent) / seconds],
    ['acknowledged', counts.acknowledged, total(shares.acknowledged) / seconds],
    ...[...counts.refused].map(([code, count]) => [`refused: ${code}`, count] as const),
    ['refused after a tip that overtook them', counts.overtaken],
    ['unanswered', counts.unanswered],
    ['answers that do not fit', counts.miscounted],
    ['hashes a share, most', hashes[1]],
  ];
  if (config.rate !== undefined) rows.push(['left out of the rate', counts.skipped]);
  if (!config.blocks) rows.push(['blocks held back', counts.blocksHeldBack]);
  if (stored !== undefined)
    rows.push(
      ['stored in SHARES', stored.stored],
      ['stored twice', stored.doubled],
      ['of other miners', stored.foreign],
    );
  return { title: 'Shares', columns: ['shares', 'whole run', 'per second, measured part'], rows };
}

function latency(title: string, shares: ShareResult): Table {
  return { title, columns: ['ms', ...LATENCY_COLUMNS], rows: [['share to ack', ...latencyCells(shares.latency)]] };
}

function tipDelays({ rounds, fromZero, fromFirst }: TipResult): Table {
  const zero = [...new Set(rounds.map((round) => round.zero))].join(' or ');
  return {
    title: 'New tips, ms until a connection was told',
    columns: ['from', ...LATENCY_COLUMNS],
    rows: [
      ...(zero === '' || zero === 'first connection told' ? [] : [[`the ${zero}`, ...latencyCells(fromZero)] as const]),
      ['the first connection told', ...latencyCells(fromFirst)],
    ],
  };
}

const MAX_ROUNDS_SHOWN = 50;

function tipRounds({ rounds }: TipResult): Table {
  const shown = rounds.slice(0, MAX_ROUNDS_SHOWN);
  return {
    title: rounds.length > shown.length ? `First ${shown.length} rounds` : 'Rounds',
    columns: ['round', 'told', 'first, ms', 'last, ms', 'from'],
    rows: shown.map(({ told, first, last, zero }, index) => [String(index + 1), told, first, last, zero]),
  };
}

function serverUse(servers: readonly ServerUse[]): Table {
  const cells = (of: (server: ServerUse) => number): number => total(servers.map(of));
  const row = (name: string, of: (pick: (server: ServerUse) => number) => number) =>
    [
      name,
      of((server) => cpuBetween(server, 'start', 'opened')),
      of((server) => cpuBetween(server, 'begin', 'end')),
      of((server) => rssAt(server, 'start') / MIB),
      of((server) => rssAt(server, 'opened') / MIB),
      of((server) => rssAt(server, 'end') / MIB),
    ] as const;
  return {
    title: 'Processes of the pool',
    columns: ['process', 'CPU s opening', 'CPU s measured', 'RSS MiB before', 'opened', 'end'],
    rows: [...servers.map((server) => row(server.name, (pick) => pick(server))), row('all', cells)],
  };
}

function serverCosts({ config, open, shares, tips, servers }: RunResult): Table {
  const cpu = (from: Mark, to: Mark) => total(servers.map((server) => cpuBetween(server, from, to)));
  const measured = cpu('begin', 'end');
  const rss = total(servers.map((server) => rssAt(server, 'opened') - rssAt(server, 'start')));
  const rows: (readonly [string, Cell])[] = [
    ['CPU ms an open', (cpu('start', 'opened') * 1_000) / open.opened],
    ['RSS KiB a connection', rss / KIB / open.opened],
  ];
  if (shares !== undefined && tips === undefined) {
    // Sent in the measured part: with few acknowledgements of many shares each, those that came in it may be of other shares.
    const acknowledged = shares.latency.count;
    rows.push(['shares per CPU-second', acknowledged / measured], ['CPU µs a share', (measured * 1e6) / acknowledged]);
  }
  if (tips !== undefined) rows.push(['CPU ms a tip, all else included', (measured * 1_000) / tips.rounds.length]);
  if (config.mode === 'idle') rows.push(['CPU of a core, idle', measured / config.seconds]);
  return { title: 'Costs', columns: ['cost', 'all processes'], rows };
}

function traffic({ sent, received }: RunResult): Table {
  const row = (direction: string) => (each: RunResult['sent'][number]) =>
    [each.name, direction, each.messages, each.bytes, each.bytes / each.messages] as const;
  const rows = [...sent.map(row('to the pool')), ...received.map(row('from the pool'))];
  const all = [...sent, ...received];
  const sum = ['all', '', total(all.map(({ messages }) => messages)), total(all.map(({ bytes }) => bytes))] as const;
  return {
    title: 'Bytes on the wire',
    columns: ['message', 'direction', 'messages', 'bytes', 'bytes each'],
    rows: [...rows, sum],
  };
}

function own({ own }: RunResult): Table {
  return {
    title: 'The tool itself, measured part',
    columns: ['worker', 'CPU % of a core', 'event loop busy %', 'loop late p99, ms', 'max, ms'],
    rows: own.map(({ cpu, busy, delayP99Ms, delayMaxMs }, worker) => [
      String(worker),
      cpu * 100,
      busy * 100,
      delayP99Ms,
      delayMaxMs,
    ]),
  };
}
