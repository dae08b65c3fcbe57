// The model beside what was measured: costs are CPU times of the same runs, figures are latencies and rates, to which nothing was fitted but where it
// says so.
import { show } from '../load/report/table.ts';
import { assumptions, costOfShare, seconds, shareCosts } from './assumptions.ts';
import { comparison, connectionsOf, longRun, MEDIAN_TIP_WRITTEN_MS, ownSection, paced, SLUICE } from './measured.ts';
import type { MeasuredSection } from './measured-section.ts';
import { simulateTips } from './new-tip.ts';
import { simulateOpening } from './opening.ts';
import { gatewayMemory, validatorMemory } from './pool-size.ts';
import { simulateShares } from './share-way.ts';
import { largePoolRows, tables } from './table-titles.ts';

export interface RealRun {
  /** Of performance.md, or of the page's own measurement. */
  readonly row: string;
  readonly figure: string;
  readonly measured: number;
  readonly modelled: number;
}

export function realRuns(): readonly RealRun[] {
  return [
    ...pacedRuns(),
    ...inFlightRun(),
    ...openings(),
    ...newTips(),
    ...tipAlone(),
    ...largePool(),
    ...(longRun === undefined ? [] : longRunOf(longRun)),
  ];
}

const ACK_P50 = 'ack p50, ms';
const ACK_P99 = 'ack p99, ms';

function pacedRuns(): readonly RealRun[] {
  return [1_000, 3_000].flatMap((sharesPerSecond) => {
    const { latency } = onOneCore({ sharesPerSecond, link: 0 });
    const row = paced(sharesPerSecond);
    const measured = (figure: string) => comparison.number(tables.shares, [row, figure], SLUICE);
    return [
      { row, figure: ACK_P50, measured: measured(ACK_P50), modelled: latency.quantile(0.5) },
      { row, figure: ACK_P99, measured: measured(ACK_P99), modelled: latency.quantile(0.99) },
    ];
  });
}

function inFlightRun(): readonly RealRun[] {
  const row = 'standard, 1 in flight, 1,000 connections';
  const figure = (name: string) => comparison.number(tables.shares, [row, name], SLUICE);
  const rate = figure('shares/s');
  const { latency, sharesPerSecond } = onOneCore({ sharesPerSecond: rate, inFlight: 1_000, link: 0 });
  return [
    { row, figure: 'shares/s', measured: rate, modelled: sharesPerSecond },
    { row, figure: ACK_P50, measured: figure(ACK_P50), modelled: latency.quantile(0.5) },
    { row, figure: ACK_P99, measured: figure(ACK_P99), modelled: latency.quantile(0.99) },
    {
      row,
      figure: GATEWAY_MICROS,
      measured: comparison.number(tables.sharesByProcess, [row], 'connection-gateway'),
      modelled: costOfShare(shareCosts.gateway, rate) * 1e6,
    },
  ];
}

const GATEWAY_MICROS = 'CPU µs a share, gateway';

function onOneCore(gateway: Parameters<typeof simulateShares>[0]['gateways'][number]) {
  const others = { oneCore: true, appendsPerSecond: Number.POSITIVE_INFINITY, appendAlone: 0, validators: 1 };
  return simulateShares({ gateways: [gateway], ...others, seconds: 30, seed: 1 });
}

function openings(): readonly RealRun[] {
  return [1_000, 5_000, 10_000].flatMap((connections) => {
    const modelled = simulateOpening(connections, 100);
    const measured = (figure: string) =>
      comparison.number(tables.openings, [connectionsOf(connections), figure], SLUICE);
    const row = `${connectionsOf(connections)} opened, 100 at the same time`;
    return [
      { row, figure: 'opens/s', measured: measured('opens/s'), modelled: modelled.opensPerSecond },
      { row, figure: 'open p50, ms', measured: measured('open p50, ms'), modelled: modelled.latency.quantile(0.5) },
    ];
  });
}

function newTips(): readonly RealRun[] {
  return [1_000, 5_000].flatMap((connections) => {
    const measured = (figure: string) => comparison.number(tables.tips, [connectionsOf(connections), figure], SLUICE);
    return tipOnOneCore(connections, [measured('told after the first one p50, ms'), measured('p99, ms, of these')]);
  });
}

function tipOnOneCore(connections: number, [p50, p99]: readonly [p50: number, p99: number]): readonly RealRun[] {
  const beside = seconds(assumptions.tipBeside);
  const { fromFirst } = simulateTips({ gateways: [{ connections, link: 0 }], blocks: 1, beside });
  const row = `a new tip to ${connectionsOf(connections)}, after the first one`;
  return [
    { row, figure: 'p50, ms', measured: p50, modelled: fromFirst.quantile(0.5) },
    { row, figure: 'p99, ms', measured: p99, modelled: fromFirst.quantile(0.99) },
  ];
}

/** The bench of connection-gateway, the median of five: what a tip costs is the mean of these, so that this one had to be met. */
function tipAlone(): readonly RealRun[] {
  const { fromFirst } = simulateTips({ gateways: [{ connections: 10_000, link: 0 }], blocks: 1, beside: 0 });
  const row = 'a new tip to 10,000 connections, gateway alone (fitted)';
  return [{ row, figure: 'last written, ms', measured: MEDIAN_TIP_WRITTEN_MS, modelled: fromFirst.max }];
}

/** A pool of processes with ten thousand connections, where the page has it. */
function largePool(): readonly RealRun[] {
  const { shares, tip } = largePoolRows;
  const figure = (row: string, column: string) => ownSection.number(tables.largePool, [row], column);
  return ownSection.rowNames(tables.largePool).flatMap((row) => {
    if (row === tip) return tipOnOneCore(10_000, [figure(row, 'p50, ms'), figure(row, 'p99, ms')]);
    const { latency } = onOneCore({ sharesPerSecond: 1_000, link: 0 });
    const name = `standard, ${shares}, 10,000 connections`;
    return [
      { row: name, figure: ACK_P50, measured: figure(row, 'p50, ms'), modelled: latency.quantile(0.5) },
      { row: name, figure: ACK_P99, measured: figure(row, 'p99, ms'), modelled: latency.quantile(0.99) },
      {
        row: name,
        figure: GATEWAY_MICROS,
        measured: figure(row, 'CPU µs each, gateway'),
        modelled: costOfShare(shareCosts.gateway, 1_000) * 1e6,
      },
    ];
  });
}

/** A pool of processes on two cores, with jobs that come every few seconds: the section of `npm run load:long`, once performance.md has one. */
export function longRunOf(section: MeasuredSection): readonly RealRun[] {
  const amount = (pattern: RegExp) => Number(section.match(pattern).replaceAll(',', ''));
  const miners = amount(/: ([\d,]+) miners of one gateway/);
  const sharesPerSecond = amount(/gateway, ([\d,]+) shares a second/);
  const jobSeconds = amount(/a new template every (\d+) s/);
  const { latency } = simulateShares({
    ...{ gateways: [{ sharesPerSecond, link: 0 }], oneCore: false, validators: 1, seconds: 30, seed: 1 },
    ...{ appendsPerSecond: assumptions.appendsOneCopy.value, appendAlone: 1 / assumptions.appendsOneCopy.value },
  });
  const load = { miners, sharesPerMinute: (60 * sharesPerSecond) / miners, jobSeconds };
  const row = `${show(miners)} connections, ${show(sharesPerSecond)} shares/s, for long`;
  const memory = (process: string, gibibytes: number): RealRun => ({
    ...{ row, figure: `MiB of ${process}`, modelled: gibibytes * 1_024 },
    measured: section.number(tables.memory, [process], 'MiB after'),
  });
  return [
    { row, figure: ACK_P50, measured: amount(/acknowledgement: p50 ([\d,.]+) ms/), modelled: latency.quantile(0.5) },
    {
      row,
      figure: ACK_P99,
      measured: amount(/acknowledgement: p50 .*?p99 ([\d,.]+) ms/),
      modelled: latency.quantile(0.99),
    },
    memory('connection-gateway', gatewayMemory(1, miners)),
    memory('share-validator', validatorMemory(load)),
  ];
}
