// The flags of `npm run load:memory`.
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { integer, oneOf, path, toggle } from '@sluice/runtime/config/value-types';
import { subjects } from '../compare/rows.ts';

export const memorySettings = defineConfig({
  subject: { type: oneOf(subjects), default: 'pool', doc: 'Whose connections are looked at.' },
  connections: { type: integer({ min: 1, max: 10_000 }), default: 5_000, doc: 'How many are held.' },
  snapshots: {
    type: path(),
    default: 'build/heap-snapshots',
    doc: "Folder for the snapshots themselves: Chrome's developer tools open them.",
  },
  document: { type: path(), default: 'docs/performance.md', doc: 'Whose section between the markers is written.' },
  dry: { type: toggle(), default: false, doc: 'Prints the section only.' },
});
export type MemoryConfig = ConfigOf<typeof memorySettings>;
