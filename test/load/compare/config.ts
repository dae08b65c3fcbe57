// The flags of `npm run load:compare`.
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { decimal, integer, listOf, oneOf, path, toggle } from '@sluice/runtime/config/value-types';
import { floorRowNamesOf, rowNames, subjectOf, subjects } from './rows.ts';

const MAX_SECONDS = 3_600;

export const compareSettings = defineConfig({
  rounds: {
    type: integer({ min: 1, max: 100 }),
    default: 3,
    doc: 'How often everything is measured; the two alternate.',
  },
  subject: { type: oneOf(subjects), default: 'pool', doc: 'What is compared: pools, or proxies in front of one pool.' },
  floor: {
    type: toggle(),
    default: false,
    doc: "In the place of SRI's a server that does nothing but read and write, which is what Node's sockets cost; of pools new tips, and shares of standard channels.",
  },
  rows: {
    type: listOf(oneOf(rowNames)),
    default: [],
    doc: 'Which loads of the subject; without a value all of them, or all that have a floor.',
  },
  seconds: {
    type: decimal({ min: 1, max: MAX_SECONDS }),
    default: 15,
    doc: 'How long each load of shares is measured.',
  },
  warmUpSeconds: {
    type: decimal({ min: 0, max: MAX_SECONDS }),
    default: 30,
    doc: 'Shares are sent for so long before: the processes are new for each load, and V8 compiles in the first seconds what a pool compiles once in months.',
  },
  workers: { type: integer({ min: 1, max: 64 }), default: 1, doc: 'Processes that make the load.' },
  unpinned: {
    type: toggle(),
    default: false,
    doc: 'Leaves it to the system which cores everything runs on; without it the load has half of them to itself.',
  },
  quick: {
    type: toggle(),
    default: false,
    doc: 'Only tries the tool out: 100 connections, 3 s of each load, one round; no document is written.',
  },
  document: { type: path(), default: 'docs/performance.md', doc: 'Whose section between the markers is written.' },
  csv: { type: path(), optional: true, doc: 'File to which every figure of every run is appended, a line each.' },
});
export type CompareConfig = ConfigOf<typeof compareSettings>;

/** Rows are of the subject, and with a floor some of them. */
export const compareRule: ConfigRule<typeof compareSettings> = ({ subject, rows, floor }) => {
  const foreign = rows.find((name) => subjectOf(name) !== subject);
  if (foreign !== undefined)
    return [
      { setting: 'rows', problem: `${foreign} is no load of a ${subject}`, allowed: `those of --subject ${subject}` },
    ];
  const withFloor = floorRowNamesOf(subject);
  const without = floor ? rows.find((name) => !withFloor.includes(name)) : undefined;
  if (without === undefined) return [];
  return [{ setting: 'rows', problem: `there is no floor under ${without}`, allowed: withFloor.join(', ') }];
};
