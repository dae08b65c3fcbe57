// The flags of `npm run load:profile`.
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { decimal, integer, listOf, oneOf, path, toggle } from '@sluice/runtime/config/value-types';
import { profiledRowNames, subjectOf, subjects } from '../compare/rows.ts';

export const profileSettings = defineConfig({
  subject: { type: oneOf(subjects), default: 'pool', doc: 'What is profiled.' },
  rows: {
    type: listOf(oneOf(profiledRowNames)),
    default: [],
    doc: 'Under which loads of the subject; without a value all of them.',
  },
  seconds: {
    type: decimal({ min: 1, max: 600 }),
    default: 10,
    doc: 'How long each load of shares is measured, and connections are held.',
  },
  warmUpSeconds: { type: decimal({ min: 0, max: 600 }), default: 30, doc: 'Shares are sent for so long before.' },
  workers: { type: integer({ min: 1, max: 64 }), default: 1, doc: 'Processes that make the load.' },
  profiles: {
    type: path(),
    default: 'build/profiles',
    doc: "Folder for the profiles themselves, by load and service: Chrome's developer tools and speedscope open them.",
  },
  document: { type: path(), default: 'docs/performance.md', doc: 'Whose section between the markers is written.' },
  dry: { type: toggle(), default: false, doc: 'Prints the summary only.' },
});
export type ProfileConfig = ConfigOf<typeof profileSettings>;

/** Rows are of the subject. */
export const profileRule: ConfigRule<typeof profileSettings> = ({ subject, rows }) => {
  const foreign = rows.find((name) => subjectOf(name) !== subject);
  if (foreign === undefined) return [];
  return [
    { setting: 'rows', problem: `${foreign} is no load of a ${subject}`, allowed: `those of --subject ${subject}` },
  ];
};
