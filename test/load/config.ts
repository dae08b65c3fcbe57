// The flags of `npm run load`.
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { decimal, integer, listOf, oneOf, path, text, toggle, url } from '@sluice/runtime/config/value-types';
import { namedProcess } from './measure/server-processes.ts';
import { channelKinds } from './orders.ts';
import { poolAddress } from './pool-address.ts';

export const modes = ['pipelined', 'one-in-flight', 'paced', 'open', 'reconnect', 'idle', 'new-tip'] as const;
export type Mode = (typeof modes)[number];

const MAX_SECONDS = 1_000_000;
const seconds = () => decimal({ min: 0, max: MAX_SECONDS });

export const loadSettings = defineConfig({
  pool: {
    type: listOf(poolAddress()),
    doc: 'Where to connect; connections take several in turn. Without a key the certificate is not checked. stratum+tcp:// is Stratum V1.',
  },
  mode: { type: oneOf(modes), default: 'pipelined', doc: 'What is done and measured; see docs/load.md.' },
  name: { type: text({ allowed: 'any text' }), default: 'load', doc: 'What this run is called in its reports.' },
  kind: {
    type: oneOf(channelKinds),
    default: 'standard',
    doc: 'Channels: standard with jobs of their own (REQUIRES_STANDARD_JOBS), extended, or standard in a group that gets extended jobs.',
  },
  connections: { type: integer({ min: 1, max: 1_000_000 }), default: 100, doc: 'Connections held at the same time.' },
  channels: { type: integer({ min: 1, max: 65_536 }), default: 1, doc: 'Channels of each connection.' },
  workers: {
    type: integer({ min: 1, max: 256 }),
    default: 1,
    doc: 'Processes that the connections are spread over: as many as it takes that none is the bottleneck.',
  },
  inFlight: {
    type: integer({ min: 1, max: 65_536 }),
    default: 20,
    doc: 'Shares in flight on each channel, with --mode pipelined.',
  },
  rate: {
    type: decimal({ min: 0.001, max: 10_000_000 }),
    optional: true,
    doc: 'Shares a second of all connections together, with --mode paced; with --mode new-tip a load beside it.',
  },
  seconds: {
    type: seconds(),
    default: 10,
    doc: 'How long is measured; with --mode idle how long connections are held.',
  },
  warmUpSeconds: { type: seconds(), default: 2, doc: 'Shares are sent for so long before anything is measured.' },
  drainSeconds: { type: seconds(), default: 10, doc: 'How long the last answers are waited for.' },
  opening: {
    type: integer({ min: 1, max: 1_000_000 }),
    default: 100,
    doc: 'Connections that open at the same time, of all workers together.',
  },
  openRate: {
    type: decimal({ min: 0.001, max: 1_000_000 }),
    optional: true,
    doc: 'Connections opened a second, where the pool bounds it; without a value as fast as they open.',
  },
  localAddresses: {
    type: listOf(
      text({ allowed: 'an IP address of this machine', placeholder: 'ADDRESS', pattern: /^[\d.:a-fA-F]+$/ }),
    ),
    default: [],
    doc: 'Addresses to connect from, in turn: for more than 28,000 connections, and for pools that bound those of an address.',
  },
  identity: {
    type: text({ allowed: 'an account, without a dot', placeholder: 'ACCOUNT', pattern: /^[^.\s]+$/ }),
    default: 'load',
    doc: 'Account of all channels; each is a worker of its own.',
  },
  hashrate: {
    type: decimal({ min: 0, max: 1e21 }),
    default: 1,
    doc: 'Hashes a second that each channel claims: pools choose the first target by it.',
  },
  hashesPerShare: {
    type: decimal({ min: 1, max: 1e12 }),
    default: 1,
    doc: 'Easiest target that is asked for, as hashes that a share takes; 1: every hash. What the pool gives is reported.',
  },
  blocks: {
    type: toggle(),
    default: false,
    doc: 'Sends hashes that are blocks too; without it they are held back, so that no tip comes unasked.',
  },
  ackBatch: {
    type: integer({ min: 1, max: 1_000_000 }),
    default: 1,
    doc: 'Accepted shares of a channel after which the pool acknowledges them, if it waits for so many.',
  },
  tipCommand: {
    type: text({ allowed: 'a shell command', placeholder: 'COMMAND' }),
    optional: true,
    doc: 'Makes a new block, with --mode new-tip. A number as its last line is the Unix time of the announcement in milliseconds.',
  },
  tipRpc: {
    type: url(['http', 'https']),
    optional: true,
    secret: true,
    doc: 'The same by generateblock of a bitcoind, without transactions: http://[user:password@]host:port[?cookie=FILE].',
  },
  announcements: {
    type: path(),
    optional: true,
    doc: "That bitcoind's data folder: its log, by -debug=zmq -logtimemicros=1, then says when a block was announced.",
  },
  rounds: {
    type: integer({ min: 1, max: 100_000 }),
    default: 10,
    doc: 'New blocks, with --tip-command or --tip-rpc; without either the blocks of --seconds are watched as they come.',
  },
  warmUpRounds: {
    type: integer({ min: 0, max: 100_000 }),
    default: 0,
    doc: 'New blocks before those, which do not count.',
  },
  timedConnections: {
    type: integer({ min: 0, max: 100_000 }),
    default: 0,
    doc: 'Connections, spread evenly, that are timed with --mode new-tip; the others are read when these have been told, so that the reading of all is not part of it. 0: all.',
  },
  roundSeconds: { type: seconds(), default: 1, doc: 'Pause between two rounds.' },
  pids: {
    type: listOf(namedProcess()),
    default: [],
    doc: 'Processes of the pool whose CPU time and memory are reported: all their threads, none of their children.',
  },
  nats: {
    type: listOf(url(['nats', 'tls'])),
    default: [],
    doc: 'NATS servers of a Sluice: what the stream SHARES holds of this run must equal what was acknowledged.',
  },
  csv: { type: path(), optional: true, doc: 'File to which the figures are appended, a line each.' },
  markdown: { type: path(), optional: true, doc: 'File for the report as Markdown tables.' },
  plots: { type: path(), optional: true, doc: 'Folder for plots as SVG: latencies, and shares over time.' },
});
export type LoadConfig = ConfigOf<typeof loadSettings>;

export const sendsShares = ({ mode, rate }: LoadConfig) =>
  mode === 'pipelined' || mode === 'one-in-flight' || mode === 'paced' || (mode === 'new-tip' && rate !== undefined);

/** Whether new blocks are made by the run itself. */
export const makesBlocks = ({ tipCommand, tipRpc }: LoadConfig) => tipCommand !== undefined || tipRpc !== undefined;

/** Shares in flight on each channel, where answers bring the next. */
export const inFlightOf = ({ mode, inFlight }: LoadConfig) => (mode === 'one-in-flight' ? 1 : inFlight);

/** What holds between the flags. */
export const loadRule: ConfigRule<typeof loadSettings> = (config) => {
  const { mode, rate, ackBatch, pool, workers, connections, channels, tipCommand, tipRpc, announcements, nats } =
    config;
  const { timedConnections } = config;
  const answersBringShares = mode === 'pipelined' || mode === 'one-in-flight';
  const blocksUnasked = makesBlocks(config) && mode !== 'new-tip';
  const rules: readonly (readonly [broken: boolean, keyof typeof loadSettings, problem: string, allowed: string])[] = [
    [pool.length === 0, 'pool', 'names no pool', 'one or more'],
    [
      channels > 1 && pool.some(({ protocol }) => protocol === 'stratum-v1'),
      'channels',
      'more than one, and a miner of Stratum V1 has no other',
      '1 with stratum+tcp://',
    ],
    [workers > connections, 'workers', 'more than there are connections', 'at most one for each'],
    [mode === 'paced' && rate === undefined, 'rate', 'not set, and --mode paced needs it', 'a rate'],
    [rate !== undefined && mode !== 'paced' && mode !== 'new-tip', 'rate', 'set', 'with --mode paced or new-tip'],
    [
      answersBringShares && ackBatch > inFlightOf(config),
      'ackBatch',
      'more than are in flight on a channel, so no answer would come',
      'at most --in-flight, and 1 with --mode one-in-flight',
    ],
    [
      timedConnections > 0 && (mode !== 'new-tip' || rate !== undefined),
      'timedConnections',
      'set',
      'with --mode new-tip, without --rate',
    ],
    [config.warmUpRounds > 0 && mode !== 'new-tip', 'warmUpRounds', 'set', 'with --mode new-tip'],
    [blocksUnasked && tipCommand !== undefined, 'tipCommand', 'set', 'with --mode new-tip'],
    [blocksUnasked && tipRpc !== undefined, 'tipRpc', 'set', 'with --mode new-tip'],
    [tipCommand !== undefined && tipRpc !== undefined, 'tipCommand', 'set, and so is --tip-rpc', 'one of them'],
    [announcements !== undefined && tipRpc === undefined, 'announcements', 'set', 'together with --tip-rpc'],
    [nats.length > 0 && !sendsShares(config), 'nats', 'set', 'where shares are sent'],
  ];
  return rules.flatMap(([broken, setting, problem, allowed]) => (broken ? [{ setting, problem, allowed }] : []));
};
