// The model beside what was measured: costs are CPU times of the same runs, figures are latencies and rates, to which nothing was fitted but where it
// says so.
import { assumptions, seconds } from './assumptions.ts';
import { simulateTips } from './new-tip.ts';
import { simulateOpening } from './opening.ts';
import { simulateShares } from './share-way.ts';

export interface RealRun {
  /** Of performance.md. */
  readonly row: string;
  readonly figure: string;
  readonly measured: number;
  readonly modelled: number;
}

export function realRuns(): readonly RealRun[] {
  return [...pacedRuns(), ...inFlightRun(), ...openings(), ...newTips(), ...tipAlone()];
}

function pacedRuns(): readonly RealRun[] {
  const measured = [
    [1_000, 12.9, 24.8],
    [3_000, 13.8, 27.4],
  ] as const;
  return measured.flatMap(([sharesPerSecond, p50, p99]) => {
    const { latency } = onOneCore({ sharesPerSecond, link: 0 });
    const row = `standard, ${sharesPerSecond.toLocaleString('en')} shares/s, 1,000 connections`;
    return [
      { row, figure: 'ack p50, ms', measured: p50, modelled: latency.quantile(0.5) },
      { row, figure: 'ack p99, ms', measured: p99, modelled: latency.quantile(0.99) },
    ];
  });
}

function inFlightRun(): readonly RealRun[] {
  const row = 'standard, 1 in flight, 1,000 connections';
  const measured = 31_288;
  const { latency, sharesPerSecond } = onOneCore({ sharesPerSecond: measured, inFlight: 1_000, link: 0 });
  return [
    { row, figure: 'shares/s', measured, modelled: sharesPerSecond },
    { row, figure: 'ack p50, ms', measured: 30.2, modelled: latency.quantile(0.5) },
    { row, figure: 'ack p99, ms', measured: 69.6, modelled: latency.quantile(0.99) },
    {
      row,
      figure: 'CPU µs a share, gateway',
      measured: 24,
      modelled: (seconds(assumptions.gatewayShare) + seconds(assumptions.gatewayFixed) / measured) * 1e6,
    },
  ];
}

function onOneCore(gateway: Parameters<typeof simulateShares>[0]['gateways'][number]) {
  const others = { oneCore: true, appendsPerSecond: Number.POSITIVE_INFINITY, appendAlone: 0, validators: 1 };
  return simulateShares({ gateways: [gateway], ...others, seconds: 30, seed: 1 });
}

function openings(): readonly RealRun[] {
  const measured = [
    [1_000, 555, 164],
    [5_000, 742, 128],
    [10_000, 777, 121],
  ] as const;
  return measured.flatMap(([connections, opensPerSecond, p50]) => {
    const modelled = simulateOpening(connections, 100);
    const row = `${connections.toLocaleString('en')} connections opened, 100 at the same time`;
    return [
      { row, figure: 'opens/s', measured: opensPerSecond, modelled: modelled.opensPerSecond },
      { row, figure: 'open p50, ms', measured: p50, modelled: modelled.latency.quantile(0.5) },
    ];
  });
}

/** After the tip's activation comes the next future job, so much later. */
const JOB_AFTER = 0.005;

function newTips(): readonly RealRun[] {
  const measured = [
    [1_000, 24.1, 54.8],
    [5_000, 71.7, 158],
  ] as const;
  return measured.flatMap(([connections, p50, p99]) => {
    const gateways = [{ connections, link: 0 }];
    const beside = seconds(assumptions.tipBeside);
    const { fromFirst } = simulateTips({ gateways, blocks: 1, beside, jobAfter: JOB_AFTER });
    const row = `a new tip to ${connections.toLocaleString('en')} connections, after the first one`;
    return [
      { row, figure: 'p50, ms', measured: p50, modelled: fromFirst.quantile(0.5) },
      { row, figure: 'p99, ms', measured: p99, modelled: fromFirst.quantile(0.99) },
    ];
  });
}

/** The bench of connection-gateway, the median of five: what a tip costs is the mean of these, so that this one had to be met. */
function tipAlone(): readonly RealRun[] {
  const { fromFirst } = simulateTips({ gateways: [{ connections: 10_000, link: 0 }], blocks: 1, beside: 0 });
  const row = 'a new tip to 10,000 connections, gateway alone (fitted)';
  return [{ row, figure: 'last written, ms', measured: 136, modelled: fromFirst.max }];
}
