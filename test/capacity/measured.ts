// What was measured, and from where: the one place of the model's figures. Those that a command has written into docs/ are read there, so that the model
// follows when it is run again; what stands there in sentences is copied here, with its day.
import { MeasuredSection } from './measured-section.ts';

/** `npm run load:compare`. */
export const comparison = MeasuredSection.of('performance.md', 'load:compare');
/** `npm run capacity:measure`. */
export const ownSection = MeasuredSection.of('capacity.md', 'capacity:measure');
/** `npm run bandwidth`. */
export const bandwidth = MeasuredSection.of('bandwidth.md', 'bandwidth');

/** `npm run load:long`, once it was run. */
export const longRun = MeasuredSection.find('performance.md', 'load:long');

/** The column of ours in the comparison. */
export const SLUICE = 'Sluice';
export const paced = (sharesPerSecond: number) =>
  `standard, ${sharesPerSecond.toLocaleString('en')} shares/s, 1,000 connections`;
export const connectionsOf = (count: number) => `${count.toLocaleString('en')} connections`;

export interface ByHand {
  readonly value: number;
  readonly from: string;
  /** Day on which it was written there. */
  readonly when: string;
}

/** When all of a tip to 10,000 connections was written, ms: `npm run bench -- new-tip`, five times. */
const TIPS_WRITTEN_MS = [148, 136, 136, 121, 107];
export const MEDIAN_TIP_WRITTEN_MS = TIPS_WRITTEN_MS.toSorted((a, b) => a - b)[2]!;

export const byHand = {
  handshakesPerSecond: { value: 3_450, from: 'performance.md, budgets: 3,450/s', when: '2026-11-25' },
  tipMicros: {
    value: TIPS_WRITTEN_MS.reduce((sum, ms) => sum + ms, 0) / TIPS_WRITTEN_MS.length / 10,
    from: 'performance.md, the gateway over sockets: 107 to 148 ms for 10,000, the mean',
    when: '2026-11-25',
  },
  extendedGatewayMicros: {
    value: 16.1 - 1.27,
    from: 'performance.md, single operations: judged alone, a path of 12 levels 16.1, standard 1.27',
    when: '2026-11-25',
  },
  idlePool: {
    value: 18.2,
    from: 'performance.md, what the first profiles changed: 1.82 % of a core, 1,000 miners connected',
    when: '2026-11-26',
  },
  shareOfJobBytes: { value: 97, from: 'performance.md, what the first profiles changed', when: '2026-11-26' },
  sharesGBADay: { value: 5.6, from: 'share-validator/README.md: 5.6 GB a day of 500 shares/s', when: '2026-11-25' },
  creditsGBADay: { value: 4.2, from: 'share-validator/README.md: 4.2 GB', when: '2026-11-25' },
} as const satisfies Record<string, ByHand>;

/** From bitcoind's announcement to the activation of the prepared job on the bus: part of all blocks, ms. performance.md, a new tip, all 400 blocks; 2026-11-25. */
export const wayToTheBus: readonly (readonly [part: number, ms: number])[] = [
  [0, 1],
  [0.5, 4.43],
  [0.95, 11.2],
  [0.99, 16.5],
  [1, 35.16],
];

/** From there to the first miner told, ms at the median. */
export const WAY_TO_THE_FIRST_MS = 5.84 - 4.43;
