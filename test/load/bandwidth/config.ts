// The flags of `npm run bandwidth`.
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { integer, path, toggle } from '@sluice/runtime/config/value-types';

export const bandwidthSettings = defineConfig({
  paceSeconds: {
    type: integer({ min: 1, max: 3_600 }),
    default: 60,
    doc: "How long shares are sent at the hour's own pace, for what depends on time.",
  },
  quick: {
    type: toggle(),
    default: false,
    doc: 'Only tries the tool out: 40 miners, 4 minutes of the hour, 5 s at pace; nothing is written.',
  },
  document: { type: path(), default: 'docs/bandwidth.md', doc: 'Whose section between the markers is written.' },
  plots: { type: path(), default: 'docs/img', doc: 'Folder for the plot.' },
});
export type BandwidthConfig = ConfigOf<typeof bandwidthSettings>;
