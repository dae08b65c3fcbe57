// Every number that goes into the model, with where it is from. docs/capacity.md shows this table.

/**
 * `measured`: as it stands there. `fitted`: the straight line through two measured rows. `computed`: from others. `set`: in the code.
 * `assumed`: by nobody measured.
 */
export type Kind = 'measured' | 'fitted' | 'computed' | 'set' | 'assumed';

export interface Assumption {
  readonly what: string;
  readonly value: number;
  readonly unit: 's' | 'ms' | 'µs' | 'ms/s' | 'µs/s' | 'bytes' | 'KiB' | 'MiB' | 'GB' | '/s' | '/min' | '';
  readonly kind: Kind;
  readonly source: string;
}

const SHARES = "performance.md, beside SRI's pool, CPU µs a share by process";
const OPENS = "performance.md, beside SRI's pool, connections opened";
const APPEND_CPU_S = 272e-6;
const SYNC_S = 0.167e-3;
const OWN = 'measured for this page';
const LIMITS = 'operations/limits.md';

/** CPU ms a second at no share, and µs of each, through two rows: `[shares/s, µs a share]`. */
function lineThrough(
  [rate, micros]: readonly [number, number],
  [otherRate, otherMicros]: readonly [number, number],
): { readonly millisASecond: number; readonly microsAShare: number } {
  const microsAShare = (otherRate * otherMicros - rate * micros) / (otherRate - rate);
  return { microsAShare, millisASecond: (rate * (micros - microsAShare)) / 1_000 };
}

const gateway = lineThrough([1_000, 108], [3_000, 50.7]);
const validator = lineThrough([1_000, 41.3], [3_000, 16.9]);
const nats = lineThrough([1_000, 34], [3_000, 11.6]);
/** All processes: 1,000 connections at 1.75 ms each, 10,000 at 1.24. */
const opening = lineThrough([1_000, 1_750], [10_000, 1_240]);

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
    value: gateway.millisASecond,
    unit: 'ms/s',
    kind: 'fitted',
    source: `${SHARES}, 1,000 and 3,000 shares/s`,
  },
  gatewayShare: {
    what: 'and of each share',
    value: gateway.microsAShare,
    unit: 'µs',
    kind: 'fitted',
    source: 'the same rows',
  },
  validatorFixed: {
    what: 'CPU of share-validator for each gateway at 1,000 to 3,000 shares/s, whatever they are',
    value: validator.millisASecond,
    unit: 'ms/s',
    kind: 'fitted',
    source: 'the same rows',
  },
  validatorShare: {
    what: 'and of each share',
    value: validator.microsAShare,
    unit: 'µs',
    kind: 'fitted',
    source: 'the same rows',
  },
  natsFixed: {
    what: 'CPU of nats-server for each gateway at 1,000 to 3,000 shares/s, whatever they are',
    value: nats.millisASecond,
    unit: 'ms/s',
    kind: 'fitted',
    source: 'the same rows',
  },
  natsShare: {
    what: 'and of each share',
    value: nats.microsAShare,
    unit: 'µs',
    kind: 'fitted',
    source: 'the same rows',
  },
  idleConnection: {
    what: 'CPU of the pool for a connection without shares',
    value: ((0.071 - 0.054) * 1e6) / 9_000,
    unit: 'µs/s',
    kind: 'fitted',
    source: `${OPENS}: 7.1 % of a core at 10,000, 5.4 % at 1,000`,
  },
  fewestShares: {
    what: 'a share of a gateway that has fewer costs as much as where it has',
    value: 1_000,
    unit: '/s',
    kind: 'measured',
    source: `${OWN}: two gateways with half of the shares each, 268 µs a share in place of 265`,
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
    value: APPEND_CPU_S * 1e6,
    unit: 'µs',
    kind: 'measured',
    source: OWN,
  },
  sync: {
    what: 'a synced write of 4 KiB',
    value: SYNC_S * 1e3,
    unit: 'ms',
    kind: 'measured',
    source: "performance.md, beside SRI's pool, fdatasync p50",
  },
  appendsOneCopy: {
    what: 'appends a second that a stream of one copy takes',
    value: 1 / (APPEND_CPU_S + SYNC_S),
    unit: '/s',
    kind: 'computed',
    source: 'the two above, one after the other',
  },
  appendsThreeCopies: {
    what: 'the same, three copies',
    value: 5_849,
    unit: '/s',
    kind: 'measured',
    source: `${OWN}, 128 writers`,
  },
  appendThreeCopies: {
    what: 'one append to three copies, alone',
    value: 1.63,
    unit: 'ms',
    kind: 'measured',
    source: OWN,
  },
  openAll: {
    what: 'CPU of the whole pool for a connection opened',
    value: opening.microsAShare / 1_000,
    unit: 'ms',
    kind: 'fitted',
    source: `${OPENS}: 1.75 ms at 1,000, 1.24 ms at 10,000`,
  },
  openFirst: {
    what: 'and once, until the code is warm',
    value: opening.millisASecond,
    unit: 'ms',
    kind: 'fitted',
    source: 'the same rows',
  },
  handshake: {
    what: 'of it the handshake',
    value: 0.29,
    unit: 'ms',
    kind: 'measured',
    source: 'performance.md, budgets: 3,450/s',
  },
  gatewayOpen: { what: 'of it the gateway', value: 0.915, unit: 'ms', kind: 'measured', source: OWN },
  managerOpen: { what: 'of it channel-manager', value: 0.105, unit: 'ms', kind: 'measured', source: OWN },
  tipWrite: {
    what: 'CPU of a gateway to tell one connection of a new tip',
    value: 13,
    unit: 'µs',
    kind: 'measured',
    source: 'performance.md, the gateway over sockets: 107 to 148 ms for 10,000',
  },
  jobWrite: {
    what: 'and of the next job in the same write',
    value: 4.3,
    unit: 'µs',
    kind: 'measured',
    source: 'performance.md, single operations: frame sealed 2.1, coinbase hashed 2.2',
  },
  tipBeside: {
    what: 'CPU of all other processes of the pool for a new tip and its templates',
    value: 99,
    unit: 'ms',
    kind: 'fitted',
    source: "performance.md, beside SRI's pool, a new tip: 149 µs a connection at 1,000, 69.8 at 5,000",
  },
  slice: {
    what: 'a gateway writes for so long before it reads again',
    value: 5,
    unit: 'ms',
    kind: 'set',
    source: 'fan-out.ts',
  },
  timeSlice: {
    what: 'and the system lets another process on the core after',
    value: 3,
    unit: 'ms',
    kind: 'assumed',
    source: 'Linux, base slice',
  },
  gatewayTold: {
    what: 'until one more gateway is told by a server of the bus',
    value: 95,
    unit: 'µs',
    kind: 'measured',
    source: `${OWN}: 14.3 ms for 150`,
  },
  memoryFixed: {
    what: 'memory of a gateway before its first miner',
    value: 110,
    unit: 'MiB',
    kind: 'fitted',
    source: `${OPENS}: 662 MiB of six processes`,
  },
  memoryConnection: {
    what: 'and of each connection',
    value: 36,
    unit: 'KiB',
    kind: 'measured',
    source: `${OPENS}, 5,000 connections`,
  },
  shareBytes: {
    what: 'a share in SHARES, in batches of ten',
    value: 5.6e9 / 86_400 / 500,
    unit: 'bytes',
    kind: 'measured',
    source: 'share-validator/README.md: 5.6 GB a day of 500 shares/s',
  },
  creditBytes: {
    what: 'the same in CREDITS',
    value: 4.2e9 / 86_400 / 500,
    unit: 'bytes',
    kind: 'measured',
    source: 'share-validator/README.md: 4.2 GB',
  },
  bytesUp: {
    what: 'from a miner in an hour, TCP payload',
    value: 22_500,
    unit: 'bytes',
    kind: 'measured',
    source: 'bandwidth.md, standard channels',
  },
  bytesDown: { what: 'to a miner', value: 34_700, unit: 'bytes', kind: 'measured', source: 'the same' },
  bytesHeaders: {
    what: 'headers of both ways',
    value: 83_700,
    unit: 'bytes',
    kind: 'measured',
    source: 'bandwidth.md, estimated there',
  },
  tipBytes: { what: 'a new tip', value: 86, unit: 'bytes', kind: 'measured', source: 'bandwidth.md, SetNewPrevHash' },
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
    what: 'doubled by each failure up to',
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
  volumeEach: {
    what: 'room for SHARES on a volume of 100 GiB',
    value: 46,
    unit: 'GB',
    kind: 'set',
    source: 'operations/capacity.md, the bus and the validators',
  },
} as const satisfies Record<string, Assumption>;

const secondsOf: Partial<Record<Assumption['unit'], number>> = { s: 1, ms: 1e-3, µs: 1e-6, 'ms/s': 1e-3, 'µs/s': 1e-6 };

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
export const regionLinks = [0.000_25, 0.02, 0.045, 0.075, 0.09] as const;

/** From bitcoind's announcement to the activation of the prepared job on the bus: part of all blocks, ms. performance.md, a new tip, all 400 blocks. */
export const wayToTheBus: readonly (readonly [part: number, ms: number])[] = [
  [0, 1],
  [0.5, 4.43],
  [0.95, 11.2],
  [0.99, 16.5],
  [1, 35.16],
];

/** From there to the first miner told, ms at the median. */
export const WAY_TO_THE_FIRST_MS = 5.84 - 4.43;
