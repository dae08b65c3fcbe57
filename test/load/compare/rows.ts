// The loads that both are put under, by the flags of `npm run load`: pools, and proxies in front of one.

export const subjects = ['pool', 'proxy'] as const;
export type Subject = (typeof subjects)[number];
export type RowGroup = 'shares' | 'opening' | 'tips';

export interface Row {
  readonly name: string;
  readonly group: RowGroup;
  readonly title: string;
  readonly connections: number;
  readonly flags: readonly string[];
  /** Shares of a channel for each answer of SRI's pool, which never answers by time: its default where as many are in flight. */
  readonly sriBatch: number;
}

const SRI_DEFAULT_BATCH = 10;
const pipelined = ['--mode', 'pipelined', '--in-flight', '20'];
const tenInFlight = ['--mode', 'pipelined', '--in-flight', '10'];
const oneInFlight = ['--mode', 'one-in-flight'];
const paced = (rate: number) => ['--mode', 'paced', '--rate', String(rate)];
/** All of them take the load longer to read than the servers to write. */
const tipOfSome = ['--mode', 'new-tip', '--timed-connections', '100'];
const standard = ['--kind', 'standard'];
const extended = ['--kind', 'extended'];

const loads = {
  'pipelined-100': ['shares', 'standard, 20 in flight, 100 connections', 100, [...standard, ...pipelined]],
  'pipelined-1000': ['shares', 'standard, 20 in flight, 1,000 connections', 1_000, [...standard, ...pipelined]],
  'extended-1000': ['shares', 'extended, 20 in flight, 1,000 connections', 1_000, [...extended, ...pipelined]],
  'one-in-flight-1000': ['shares', 'standard, 1 in flight, 1,000 connections', 1_000, [...standard, ...oneInFlight]],
  'paced-1000': ['shares', 'standard, 1,000 shares/s, 1,000 connections', 1_000, [...standard, ...paced(1_000)]],
  'paced-3000': ['shares', 'standard, 3,000 shares/s, 1,000 connections', 1_000, [...standard, ...paced(3_000)]],
  'open-alone': ['opening', '1,000 connections, one after the other', 1_000, ['--mode', 'idle', '--opening', '1']],
  'hold-1000': ['opening', '1,000 connections', 1_000, ['--mode', 'idle']],
  'hold-5000': ['opening', '5,000 connections', 5_000, ['--mode', 'idle']],
  'hold-10000': ['opening', '10,000 connections', 10_000, ['--mode', 'idle']],
  'new-tip-1000': ['tips', '1,000 connections', 1_000, tipOfSome],
  'new-tip-5000': ['tips', '5,000 connections', 5_000, tipOfSome],
  'proxy-one-in-flight-1000': ['shares', '1 in flight, 1,000 miners', 1_000, oneInFlight],
  'proxy-pipelined-1000': ['shares', '10 in flight, 1,000 miners', 1_000, tenInFlight],
  'proxy-paced-1000': ['shares', '1,000 shares/s, 1,000 miners', 1_000, paced(1_000)],
  'proxy-paced-5000': ['shares', '5,000 shares/s, 1,000 miners', 1_000, paced(5_000)],
  'proxy-paced-2000-10000': ['shares', '2,000 shares/s, 10,000 miners', 10_000, paced(2_000)],
  'proxy-hold-1000': ['opening', '1,000 miners', 1_000, ['--mode', 'idle']],
  'proxy-hold-10000': ['opening', '10,000 miners', 10_000, ['--mode', 'idle']],
  'proxy-new-tip-1000': ['tips', '1,000 miners', 1_000, tipOfSome],
  'proxy-new-tip-10000': ['tips', '10,000 miners', 10_000, tipOfSome],
} as const satisfies Record<string, readonly [RowGroup, string, number, readonly string[]]>;

export type RowName = keyof typeof loads;
export const rowNames = Object.keys(loads) as readonly RowName[];

export const subjectOf = (name: RowName): Subject => (name.startsWith('proxy-') ? 'proxy' : 'pool');
export const rowNamesOf = (subject: Subject) => rowNames.filter((name) => subjectOf(name) === subject);
/** Those in which something that only reads and writes can stand in the peer's place: of a pool new tips, and shares of standard channels. */
export const floorRowNamesOf = (subject: Subject) =>
  rowNamesOf(subject).filter((name) => {
    const { group, flags } = rowOf(name);
    return subject === 'proxy' || (group !== 'opening' && !flags.includes('extended'));
  });

export const profiledRowNames = rowNames.filter((name) => loads[name][0] !== 'tips');

/** With fewer connections for a try-out. */
export function rowOf(name: RowName, maxConnections = Number.POSITIVE_INFINITY): Row {
  const [group, title, wanted, flags] = loads[name];
  const connections = Math.min(wanted, maxConnections);
  const shown = connections === wanted ? title : `${title}, of which ${connections}`;
  const sriBatch = flags.some((flag) => flag === 'pipelined') ? SRI_DEFAULT_BATCH : 1;
  return { name, group, title: shown, connections, flags, sriBatch };
}
