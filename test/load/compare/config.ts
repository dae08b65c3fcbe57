// The flags of `npm run load:compare`.
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { decimal, integer, listOf, oneOf, path, toggle } from '@sluice/runtime/config/value-types';
import { rowNames } from './rows.ts';

const MAX_SECONDS = 3_600;

export const compareSettings = defineConfig({
  rounds: {
    type: integer({ min: 1, max: 100 }),
    default: 3,
    doc: 'How often everything is measured; the two pools alternate.',
  },
  rows: { type: listOf(oneOf(rowNames)), default: rowNames, doc: 'Which loads.' },
  seconds: {
    type: decimal({ min: 1, max: MAX_SECONDS }),
    default: 15,
    doc: 'How long each load of shares is measured.',
  },
  warmUpSeconds: {
    type: decimal({ min: 0, max: MAX_SECONDS }),
    default: 5,
    doc: 'Shares are sent for so long before: the processes are new for each load.',
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
