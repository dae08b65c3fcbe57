// The flags of `npm run load:long`.
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { decimal, integer, path, toggle } from '@sluice/runtime/config/value-types';

export const longSettings = defineConfig({
  settlingMinutes: {
    type: integer({ min: 0, max: 10_000 }),
    default: 10,
    doc: 'The same load before that, from when all are connected: until each process holds what it keeps for minutes, it grows.',
  },
  minutes: { type: integer({ min: 1, max: 10_000 }), default: 30, doc: 'How long the load lasts behind that.' },
  settledMinutes: {
    type: integer({ min: 1, max: 10_000 }),
    default: 20,
    doc: 'Of these the last, in which memory must not grow any more.',
  },
  connections: { type: integer({ min: 1, max: 28_000 }), default: 10_000, doc: 'Miners, all of one gateway.' },
  rate: { type: decimal({ min: 1, max: 100_000 }), default: 2_000, doc: 'Shares a second of all miners together.' },
  templateSeconds: {
    type: integer({ min: 1, max: 3_600 }),
    default: 5,
    doc: 'Seconds between two new transactions, each of which makes a new template.',
  },
  blockSeconds: {
    type: integer({ min: 5, max: 3_600 }),
    default: 60,
    doc: 'Seconds between two blocks of somebody else.',
  },
  dry: { type: toggle(), default: false, doc: 'Prints the figures only; no document is written.' },
  document: { type: path(), default: 'docs/performance.md', doc: 'Whose section between the markers is written.' },
  plot: { type: path(), default: 'docs/img/long-run.svg', doc: 'File for the picture of memory over time.' },
});
export type LongConfig = ConfigOf<typeof longSettings>;

export const longRule: ConfigRule<typeof longSettings> = ({ minutes, settledMinutes }) =>
  settledMinutes < minutes
    ? []
    : [{ setting: 'settledMinutes', problem: 'not less than there are minutes', allowed: `less than ${minutes}` }];
