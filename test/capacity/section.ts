// The part of docs/capacity.md that `npm run capacity` writes.
import type { LatencyHistogram } from '../load/measure/latency-histogram.ts';
import { type Cell, markdownOf, show, type Table } from '../load/report/table.ts';
import { type Assumption, assumptions, regionLinks } from './assumptions.ts';
import { findingsOf } from './findings.ts';
import { comparison, WAY_TO_THE_FIRST_MS, wayToTheBus } from './measured.ts';
import { firstLimits } from './pool-size.ts';
import type { RealRun } from './real-runs.ts';
import type { CapacityRecord, SimulatedSize } from './record.ts';

export function sectionOf({ real, sizes, storms }: CapacityRecord): string {
  return [
    '## What it says',
    '',
    findingsOf({ sizes, storms }),
    '',
    '## The model beside real runs',
    '',
    realText(),
    '',
    markdownOf(realTable(real)),
    '## How large a pool is',
    '',
    'All of it is computed.',
    '',
    markdownOf(sizeTable(sizes)),
    `![answers by the size of the pool](capacity/acks.svg)`,
    '',
    markdownOf(limitTable()),
    '## A new tip',
    '',
    markdownOf(tipTable(sizes)),
    '![a new tip to a million miners](capacity/tips.svg)',
    '',
    '## A lost zone',
    '',
    markdownOf(stormTable(storms)),
    '![miners that come back](capacity/storms.svg)',
    '',
    '## What goes into it',
    '',
    assumptionText(),
  ].join('\n');
}

const realText = () =>
  `What was measured are the medians of [performance.md](performance.md#beside-sris-pool) (${comparison.when}), a tip to a gateway alone by its bench (\`npm run bench -- new-tip\`), and ten thousand connections under shares and tips, where there are such rows, [for this page](#measured-for-this-page).`;

/** A test holds the page against it, as against the two tables below that take no long simulation. */
export function assumptionText(): string {
  return [
    markdownOf(assumptionTable()),
    `From a node's announcement to the bus it takes at most ${wayToTheBus
      .slice(1)
      .map(([part, ms]) => `${show(ms)} ms for ${show(part * 100)} %`)
      .join(
        ', ',
      )} of all blocks, and ${show(WAY_TO_THE_FIRST_MS)} ms more to the first miner (measured: performance.md, a new tip, 2026-11-25).`,
    `Regions are assumed to be ${regionLinks.map((link) => show(link * 1_000)).join(', ')} ms from the streams, one way.`,
    '',
  ].join('\n');
}

function assumptionTable(): Table {
  const rows = Object.values<Assumption>(assumptions);
  return {
    title: 'Assumptions',
    columns: ['what', 'value', 'kind', 'from', 'measured'],
    rows: rows.map(({ what, value, unit, kind, source, when }) => [
      what,
      `${show(value)} ${unit}`.trim(),
      kind,
      source,
      when,
    ]),
  };
}

export function realTable(real: readonly RealRun[]): Table {
  return {
    title: 'Measured and computed',
    columns: ['row', 'figure', 'measured', 'computed', 'error, %'],
    rows: real.map(({ row, figure, measured, modelled }) => [
      row,
      figure,
      measured,
      modelled,
      `${modelled > measured ? '+' : ''}${show((modelled / measured - 1) * 100)}`,
    ]),
  };
}

function sizeTable(sizes: readonly SimulatedSize[]): Table {
  const row = (name: string, of: (each: SimulatedSize) => Cell): [string, ...Cell[]] => [name, ...sizes.map(of)];
  const whole = (value: number) => Math.ceil(value);
  return {
    title: 'Sizes',
    columns: [
      'miners',
      ...sizes.map(
        ({ size }) => `${show(size.miners)}, ${size.regions === 1 ? 'one region' : `${size.regions} regions`}`,
      ),
    ],
    rows: [
      row('shares/s', ({ size }) => size.sharesPerSecond),
      row('gateways, a core and 1 GiB each', ({ size }) => size.gateways),
      row('connections of each', ({ size }) => whole(size.connectionsEach)),
      row('the same when a third of them is lost', ({ size }) => whole(size.connectionsEachLeft)),
      row('cores that gateways use', ({ size }) => size.gatewayCores),
      row('the same, where all channels are extended', ({ size }) => size.extendedGatewayCores),
      row('memory that gateways use, GiB', ({ size }) => size.gatewayMemoryGiB),
      row('share-validators', ({ size }) => size.validators),
      row('cores that they use', ({ size }) => size.validatorCores),
      row('the same, where all channels are extended', ({ size }) => size.extendedValidatorCores),
      row('GiB that each of them holds', ({ size }) => size.validatorMemoryGiB),
      row('channel-managers', ({ size }) => size.channelManagers),
      row('job-distributors, template-providers, nodes, of each', () => 2),
      row('nats-servers', () => 3),
      row('cores that the one uses that leads the streams', ({ size }) => size.natsCores),
      row('cores that all of the pool uses', ({ size }) => size.coresUsed),
      row('pods in all', ({ size }) => size.pods),
      row('cores to give them', ({ size }) => size.coresToGive),
      row('GiB of memory to give them', ({ size }) => size.memoryToGiveGiB),
      row('appends/s to SHARES, one copy', ({ oneCopy }) => whole(oneCopy.appendsPerSecond)),
      row('part of what the stream takes, %', ({ oneCopy }) => oneCopy.streamBusy * 100),
      row('answer to a share, p50 / p99, ms', ({ oneCopy }) => quantiles(oneCopy.latency)),
      row('appends/s, three copies', ({ threeCopies }) => whole(threeCopies.appendsPerSecond)),
      row('part of what the stream takes, %', ({ threeCopies }) => threeCopies.streamBusy * 100),
      row('answer to a share, p50 / p99, ms', ({ threeCopies }) => quantiles(threeCopies.latency)),
      row(
        'credits/s and heartbeats/s of gateways',
        ({ size }) => `${show(size.gateways)} and ${show(size.gateways / 2)}`,
      ),
      row('Mbit/s up, TCP payload', ({ size }) => size.megabitsUp),
      row('Mbit/s down', ({ size }) => size.megabitsDown),
      row('headers of both ways, Mbit/s', ({ size }) => size.megabitsHeaders),
      row('MB to tell all of a new tip', ({ size }) => size.tipMegabytes),
      row('Mbit/s into the streams, SHARES and CREDITS', ({ size }) => size.megabitsStored),
      row('Mbit/s out of them, to two more copies and to validators', ({ size }) => size.megabitsCopied),
      row('MB/s that each nats-server writes, three copies', ({ size }) => size.megabytesWritten),
      row('SHARES, GB a day and copy', ({ size }) => size.sharesGBADay),
      row('CREDITS, GB a day and copy', ({ size }) => size.creditsGBADay),
      row('volume of each nats-server for a day of SHARES and thirty of CREDITS, GB', ({ size }) =>
        whole(size.volumeGB),
      ),
    ],
  };
}

export function limitTable(): Table {
  return {
    title: 'What is met first as a pool of the defaults grows, in one region',
    columns: ['at miners', 'what', 'then'],
    rows: firstLimits().map(({ miners, what, outcome }) => [show(roundTo(miners, 1_000)), what, outcome]),
  };
}

function tipTable(sizes: readonly SimulatedSize[]): Table {
  return {
    title: "Miners told after the node's announcement, ms, computed",
    columns: ['miners', 'regions', 'p50', 'p99', 'last'],
    rows: sizes.map(({ size, tips }) => [
      show(size.miners),
      size.regions,
      tips.quantile(0.5),
      tips.quantile(0.99),
      tips.max,
    ]),
  };
}

function stormTable(storms: CapacityRecord['storms']): Table {
  const time = (seconds: number) => (Number.isFinite(seconds) ? seconds : 'not within the time looked at');
  return {
    title:
      'A third of all miners, of a million where nothing else is said, comes back to two thirds of the gateways, computed',
    columns: [
      'with',
      'half mine again after, s',
      '99 %, s',
      'connections a miner',
      'of them refused by rate',
      'opens too late a miner',
      'busiest second of a gateway, % of a core',
      'of a channel-manager, %',
      'longest wait of a share, ms',
      'questions a channel',
    ],
    rows: storms.map(({ storm, result }) => [
      storm.name,
      time(result.after(0.5)),
      time(result.after(0.99)),
      result.connectionsAMiner,
      result.refusedByRate,
      result.opensTooLate,
      result.gatewayPeak * 100,
      result.managerPeak * 100,
      result.longestWait * 1_000,
      result.questionsAnOpen,
    ]),
  };
}

const quantiles = (latency: LatencyHistogram) => `${show(latency.quantile(0.5))} / ${show(latency.quantile(0.99))}`;
const roundTo = (value: number, step: number) => Math.round(value / step) * step;
