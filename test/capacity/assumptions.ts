// Every number that goes into the model, with where it is from. docs/capacity.md shows this table. What was measured comes from measured.ts.
import { type ByHand, bandwidth, byHand, comparison, connectionsOf, ownSection, paced, SLUICE } from './measured.ts';
import { tables } from './table-titles.ts';

/**
 * `measured`: as it stands there. `fitted`: the straight line through two measured rows. `computed`: from others. `set`: in the code.
 * `assumed`: by nobody measured.
 */
export type Kind = 'measured' | 'fitted' | 'computed' | 'set' | 'assumed';

export interface Assumption {
  readonly what: string;
  readonly value: number;
  readonly unit:
    | 's'
    | 'ms'
    | 'µs'
    | 'ms/s'
    | 'µs/s'
    | 'bytes'
    | 'KiB'
    | 'MiB'
    | 'GiB'
    | 'GB'
    | '/s'
    | '/min'
    | 'min'
    | '';
  readonly kind: Kind;
  readonly source: string;
  /** Of what was measured: the day, and the commit where it is known. */
  readonly when?: string;
}

const COMPARISON = "performance.md, beside SRI's pool";
const SHARES = `${COMPARISON}, CPU µs a share by process`;
const OPENS = `${COMPARISON}, connections opened`;
const OWN = 'measured for this page';
const LIMITS = 'operations/limits.md';
const MICROS_OF_MS = 1_000;

interface Line {
  /** CPU ms a second, or ms once. */
  readonly fixed: number;
  /** µs. */
  readonly each: number;
}

/** Through two measured rows: of so many things each takes so many µs. Where more of them take no more in all, each takes nothing. */
function lineThrough(
  [count, micros]: readonly [count: number, micros: number],
  [otherCount, otherMicros]: readonly [count: number, micros: number],
): Line {
  const each = Math.max(0, (otherCount * otherMicros - count * micros) / (otherCount - count));
  return { each, fixed: (count * (micros - each)) / MICROS_OF_MS };
}

const shareLine = (process: string) => {
  const at = (rate: number) => [rate, comparison.number(tables.sharesByProcess, [paced(rate)], process)] as const;
  return lineThrough(at(1_000), at(3_000));
};
const validatorInFlight = (kind: 'extended' | 'standard') =>
  comparison.number(tables.sharesByProcess, [`${kind}, 20 in flight, 1,000 connections`], 'share-validator');
const opened = (count: number, figure: string) =>
  comparison.number(tables.openings, [connectionsOf(count), figure], SLUICE);
const tipOf = (count: number) =>
  [
    count,
    comparison.number(tables.tips, [connectionsOf(count), 'CPU µs a connection and tip, all else included'], SLUICE),
  ] as const;

const gateway = shareLine('connection-gateway');
const validator = shareLine('share-validator');
const nats = shareLine('nats-server');
const opening = lineThrough(
  [1_000, opened(1_000, 'CPU ms an open') * MICROS_OF_MS],
  [10_000, opened(10_000, 'CPU ms an open') * MICROS_OF_MS],
);
const IDLE = 'CPU without work, % of a core';
const idle = lineThrough([1_000, opened(1_000, IDLE) * 10], [10_000, opened(10_000, IDLE)]);
const tip = lineThrough(tipOf(1_000), tipOf(5_000));
const appendCpuMicros = ownSection.number(tables.appends, ['1', '1'], 'CPU µs of servers each');
const syncMs = Number(comparison.match(/fdatasync p50 ([\d.]+) ms/));
const lastTold = {
  subscribers: Number(ownSection.match(/last of (\d+) subscribers/)),
  ms: Number(ownSection.match(/subscribers after ([\d.]+) ms/)),
};
/** Five services and nats-server. */
const PROCESSES = 6;
/** The row of miners with a standard channel each. */
const STANDARD = 'standard channels';
const openOf = (process: string) => ownSection.number(tables.opensByProcess, [process], 'one gateway') / 1_000;
const shareOf = (gateways: string) => ownSection.number(tables.ownSharesByProcess, ['all'], gateways);
/** Of 500 shares a second. */
const bytesOfShare = ({ value }: ByHand) => (value * 1e9) / 86_400 / 500;

/** A row of the table that was copied by hand. */
const copied = ({ value, from, when }: ByHand) => ({ value, kind: 'measured', source: from, when }) as const;
const compared = (source: string) => ({ kind: 'fitted', source, when: comparison.when }) as const;
const own = (source = OWN) => ({ kind: 'measured', source, when: ownSection.when }) as const;
const ofBandwidth = (source: string) => ({ kind: 'measured', source, when: bandwidth.when }) as const;

export const assumptions = {
  sharesPerMinute: {
    what: 'shares of a device',
    value: 6,
    unit: '/min',
    kind: 'set',
    source: 'sharesPerMinute of the pool',
  },
  connectionsPerGateway: {
    what: 'connections of a gateway',
    value: 6_000,
    unit: '',
    kind: 'set',
    source: 'targetConnectionsPerPod',
  },
  gatewayFixed: {
    what: 'CPU of a gateway at 1,000 to 3,000 shares/s, whatever they are',
    value: gateway.fixed,
    unit: 'ms/s',
    ...compared(`${SHARES}, 1,000 and 3,000 shares/s`),
  },
  gatewayShare: { what: 'and of each share', value: gateway.each, unit: 'µs', ...compared('the same rows') },
  validatorFixed: {
    what: 'CPU of share-validator for each gateway at 1,000 to 3,000 shares/s, whatever they are',
    value: validator.fixed,
    unit: 'ms/s',
    ...compared('the same rows'),
  },
  validatorShare: { what: 'and of each share', value: validator.each, unit: 'µs', ...compared('the same rows') },
  natsFixed: {
    what: 'CPU of nats-server for each gateway at 1,000 to 3,000 shares/s, whatever they are',
    value: nats.fixed,
    unit: 'ms/s',
    ...compared('the same rows'),
  },
  natsShare: { what: 'and of each share', value: nats.each, unit: 'µs', ...compared('the same rows') },
  extendedGateway: {
    what: 'a share of an extended channel takes a gateway more by',
    unit: 'µs',
    ...copied(byHand.extendedGatewayMicros),
  },
  extendedValidator: {
    what: 'and share-validator by',
    value: validatorInFlight('extended') - validatorInFlight('standard'),
    unit: 'µs',
    ...compared(`${SHARES}, 20 in flight, extended and standard`),
  },
  idleConnection: {
    what: 'CPU of the pool for a connection without shares',
    value: idle.each,
    unit: 'µs/s',
    ...compared(`${OPENS}: without work, 1,000 and 10,000`),
  },
  idlePool: { what: 'CPU of one of each service, without shares', unit: 'ms/s', ...copied(byHand.idlePool) },
  fewestShares: {
    what: 'a share of a gateway that has fewer costs as much as where it has',
    value: 1_000,
    unit: '/s',
    ...own(
      `${OWN}: two gateways with half of the shares each, ${shareOf('two gateways')} µs a share in place of ${shareOf('one gateway')}`,
    ),
  },
  shareWindow: {
    what: 'shares are collected for',
    value: 20,
    unit: 'ms',
    kind: 'set',
    source: `${LIMITS}, shareWindowMs`,
  },
  sharesWorthAnAppend: {
    what: 'or until there are so many',
    value: 256,
    unit: '',
    kind: 'set',
    source: 'share-batcher.ts',
  },
  appendCpu: {
    what: 'CPU of nats-server from a batch to its answer, alone',
    value: appendCpuMicros,
    unit: 'µs',
    ...own(),
  },
  sync: {
    what: 'a synced write of 4 KiB',
    value: syncMs,
    unit: 'ms',
    kind: 'measured',
    source: `${COMPARISON}, fdatasync p50`,
    when: comparison.when,
  },
  appendsOneCopy: {
    what: 'appends a second that a stream of one copy takes',
    value: 1e6 / (appendCpuMicros + syncMs * 1_000),
    unit: '/s',
    kind: 'computed',
    source: 'the two above, one after the other',
  },
  appendsThreeCopies: {
    what: 'the same, three copies',
    value: ownSection.number(tables.appends, ['3', '128'], 'appends/s'),
    unit: '/s',
    ...own(`${OWN}, 128 writers`),
  },
  appendThreeCopies: {
    what: 'one append to three copies, alone',
    value: ownSection.number(tables.appends, ['3', '1'], 'p50, ms'),
    unit: 'ms',
    ...own(),
  },
  openAll: {
    what: 'CPU of the whole pool for a connection opened',
    value: opening.each / 1_000,
    unit: 'ms',
    ...compared(`${OPENS}, 1,000 and 10,000`),
  },
  openFirst: {
    what: 'and once, until the code is warm',
    value: opening.fixed,
    unit: 'ms',
    ...compared('the same rows'),
  },
  handshake: {
    what: 'of it the handshake',
    ...copied(byHand.handshakesPerSecond),
    value: 1_000 / byHand.handshakesPerSecond.value,
    unit: 'ms',
  },
  gatewayOpen: { what: 'of it the gateway', value: openOf('connection-gateway'), unit: 'ms', ...own() },
  managerOpen: { what: 'of it channel-manager', value: openOf('channel-manager'), unit: 'ms', ...own() },
  tipWrite: { what: 'CPU of a gateway to tell one connection of a new tip', unit: 'µs', ...copied(byHand.tipMicros) },
  tipBeside: {
    what: 'CPU of all other processes of the pool for a new tip and its templates',
    value: tip.fixed,
    unit: 'ms',
    ...compared(`${COMPARISON}, a new tip, CPU a connection at 1,000 and at 5,000`),
  },
  timeSlice: {
    what: 'the system lets another process on the core after',
    value: 3,
    unit: 'ms',
    kind: 'assumed',
    source: 'Linux, base slice',
  },
  gatewayTold: {
    what: 'until one more gateway is told by a server of the bus',
    value: (1_000 * lastTold.ms) / lastTold.subscribers,
    unit: 'µs',
    ...own(`${OWN}: ${lastTold.ms} ms for ${lastTold.subscribers}`),
  },
  memoryFixed: {
    what: 'memory of a process of the pool before the first miner',
    value: opened(10_000, 'RSS MiB before') / PROCESSES,
    unit: 'MiB',
    ...compared(`${OPENS}: a sixth of six processes`),
  },
  memoryConnection: {
    what: 'and of each connection of a gateway',
    value: opened(5_000, 'RSS KiB a connection'),
    unit: 'KiB',
    ...compared(`${OPENS}, 5,000 connections, all processes`),
  },
  jobEvery: { what: 'a job each', value: 30, unit: 's', kind: 'set', source: 'template refresh' },
  jobsOpen: {
    what: 'share-validator knows the shares of a job again for',
    value: 11,
    unit: 'min',
    kind: 'set',
    source: 'share-validator/README.md',
  },
  filterShare: {
    what: 'of each it keeps, at most',
    value: 32,
    unit: 'bytes',
    kind: 'set',
    source: 'duplicate-filter.ts: 8 bytes a place, of which a quarter to a half is taken',
  },
  shareOfJob: { what: 'and of each channel and job with a share', unit: 'bytes', ...copied(byHand.shareOfJobBytes) },
  shareBytes: {
    what: 'a share in SHARES, in batches of ten',
    ...copied(byHand.sharesGBADay),
    value: bytesOfShare(byHand.sharesGBADay),
    unit: 'bytes',
  },
  creditBytes: {
    what: 'the same in CREDITS',
    ...copied(byHand.creditsGBADay),
    value: bytesOfShare(byHand.creditsGBADay),
    unit: 'bytes',
  },
  bytesUp: {
    what: 'from a miner in an hour, TCP payload',
    ...ofBandwidth('bandwidth.md, standard channels'),
    value: 1_000 * bandwidth.number(tables.payload, [STANDARD], 'kB a miner-hour up'),
    unit: 'bytes',
  },
  bytesDown: {
    what: 'to a miner',
    ...ofBandwidth('the same'),
    value: 1_000 * bandwidth.number(tables.payload, [STANDARD], 'down'),
    unit: 'bytes',
  },
  bytesHeaders: {
    what: 'headers of both ways',
    ...ofBandwidth('bandwidth.md, estimated there'),
    // Megabytes of a thousand miners.
    value: 1_000 * bandwidth.number(tables.headers, [STANDARD], 'MB of headers'),
    unit: 'bytes',
  },
  tipBytes: {
    what: 'a new tip',
    ...ofBandwidth('bandwidth.md, SetNewPrevHash'),
    value: bandwidth.number(tables.messages, ['SetNewPrevHash'], 'bytes each'),
    unit: 'bytes',
  },
  connectionRate: {
    what: 'connections that a gateway takes, after a burst of ten times as many',
    value: 500,
    unit: '/s',
    kind: 'set',
    source: `${LIMITS}, connectionsPerSecond`,
  },
  maxConnections: {
    what: 'connections of a gateway at most',
    value: 20_000,
    unit: '',
    kind: 'set',
    source: `${LIMITS}, connections`,
  },
  handshakeDeadline: {
    what: 'for a handshake',
    value: 10,
    unit: 's',
    kind: 'set',
    source: `${LIMITS}, handshakeDeadlineMs`,
  },
  handshakesOfATurn: {
    what: 'handshakes of a turn, before everything else is read',
    value: 4,
    unit: '',
    kind: 'set',
    source: 'read-turns.ts',
  },
  openDeadline: {
    what: 'for channel-manager to decide',
    value: 10,
    unit: 's',
    kind: 'set',
    source: `${LIMITS}, openDeadlineMs`,
  },
  openAttempt: {
    what: 'a question is given up after',
    value: 1,
    unit: 's',
    kind: 'set',
    source: 'channel-manager-client.ts',
  },
  channelsOfAQuestion: {
    what: 'channels in one question',
    value: 32,
    unit: '',
    kind: 'set',
    source: 'open-questions.ts',
  },
  questionTurn: {
    what: 'the next question of a gateway follows the answer, or after',
    value: 50,
    unit: 'ms',
    kind: 'set',
    source: 'open-questions.ts',
  },
  questionsOut: {
    what: 'questions of a gateway that are out at once',
    value: 4,
    unit: '',
    kind: 'set',
    source: 'open-questions.ts',
  },
  openPause: {
    what: 'it is asked again after a pause of',
    value: 100,
    unit: 'ms',
    kind: 'set',
    source: 'the same',
  },
  reconnectFirst: {
    what: 'a miner comes again after, halved by chance',
    value: 1,
    unit: 's',
    kind: 'set',
    source: 'reconnect-delay.ts',
  },
  reconnectLongest: {
    what: 'doubled by each failure behind the first, up to',
    value: 60,
    unit: 's',
    kind: 'set',
    source: 'reconnect-delay.ts',
  },
  minerLink: {
    what: 'from a miner to its gateway, one way',
    value: 25,
    unit: 'ms',
    kind: 'assumed',
    source: 'a country',
  },
  podLink: {
    what: 'between two pods of a region, one way',
    value: 0.25,
    unit: 'ms',
    kind: 'assumed',
    source: 'two zones',
  },
  maxIncarnations: {
    what: 'gateways that a validator works at once',
    value: 1_024,
    unit: '',
    kind: 'set',
    source: 'share-validator/README.md',
  },
  maxGateways: {
    what: 'gateways at most, by default',
    value: 20,
    unit: '',
    kind: 'set',
    source: 'maxReplicas, reference/crds.md',
  },
  workersTold: {
    what: 'workers whose hashrate a share-validator tells',
    value: 50_000,
    unit: '',
    kind: 'set',
    source: 'share-validator/README.md',
  },
  volumeEach: {
    what: 'room for SHARES on a volume of 100 GiB',
    value: 46,
    unit: 'GB',
    kind: 'set',
    source: 'operations/capacity.md, the bus and the validators',
  },
  busyAtMost: {
    what: 'part of its cores that a share-validator or nats-server is to use at most',
    value: 0.6,
    unit: '',
    kind: 'assumed',
    source: 'room for what comes at once',
  },
  natsMemory: { what: 'memory to give a nats-server', value: 4, unit: 'GiB', kind: 'assumed', source: 'not measured' },
  otherCores: {
    what: 'cores to give each job-distributor and template-provider',
    value: 1,
    unit: '',
    kind: 'assumed',
    source: 'a tip and its template want one at once',
  },
  otherMemory: {
    what: 'memory to give each of these and a channel-manager',
    value: 0.5,
    unit: 'GiB',
    kind: 'assumed',
    source: 'four times what one has before the first miner',
  },
  nodeCores: {
    what: 'cores to give a node',
    value: 2,
    unit: '',
    kind: 'assumed',
    source: 'Bitcoin Core, not measured',
  },
  nodeMemory: { what: 'memory to give a node', value: 8, unit: 'GiB', kind: 'assumed', source: 'the same' },
} as const satisfies Record<string, Assumption>;

const secondsOf: Partial<Record<Assumption['unit'], number>> = {
  min: 60,
  s: 1,
  ms: 1e-3,
  µs: 1e-6,
  'ms/s': 1e-3,
  'µs/s': 1e-6,
};

/** A time, or CPU time a second, in seconds. */
export function seconds({ value, unit, what }: Assumption): number {
  const factor = secondsOf[unit];
  if (factor === undefined) throw new Error(`"${what}" is in ${unit}`);
  return value * factor;
}

interface CostOfShares {
  readonly fixed: Assumption;
  readonly each: Assumption;
}

/** CPU seconds of a share, where a gateway has so many a second. */
export function costOfShare({ fixed, each }: CostOfShares, perSecond: number): number {
  return seconds(each) + seconds(fixed) / Math.max(perSecond, assumptions.fewestShares.value);
}

export const shareCosts = {
  gateway: { fixed: assumptions.gatewayFixed, each: assumptions.gatewayShare },
  validator: { fixed: assumptions.validatorFixed, each: assumptions.validatorShare },
  nats: { fixed: assumptions.natsFixed, each: assumptions.natsShare },
} as const;

/** Regions of a pool that is spread: one way from the one that has nodes, distributors and streams, in seconds. Assumed. */
export const regionLinks = [seconds(assumptions.podLink), 0.02, 0.045, 0.075, 0.09] as const;
