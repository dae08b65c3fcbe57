// The flags of `npm run load:pool-cpu`.
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { decimal, integer, listOf, path, toggle } from '@sluice/runtime/config/value-types';

const MAX_SECONDS = 3_600;
const seconds = () => decimal({ min: 1, max: MAX_SECONDS });

export const poolCpuSettings = defineConfig({
  rounds: {
    type: integer({ min: 1, max: 100 }),
    default: 3,
    doc: 'How often everything is measured; the order is turned round each time.',
  },
  miners: { type: integer({ min: 1, max: 4_000 }), default: 1_000, doc: 'Connected at the same time.' },
  rates: {
    type: listOf(decimal({ min: 1, max: 1_500 })),
    default: [100, 1_000],
    doc: 'Shares a second of all miners together; a gateway reads 2,000 a second of one connection.',
  },
  seconds: { type: seconds(), default: 45, doc: 'How long each rate is measured.' },
  idleSeconds: {
    type: seconds(),
    default: 60,
    doc: 'How long the pool is measured with the miners connected and idle.',
  },
  warmUpSeconds: { type: seconds(), default: 30, doc: 'Shares are sent for so long before.' },
  transactions: {
    type: integer({ min: 1, max: 2_400 }),
    default: 2_100,
    doc: 'In the mempool of the node; 2,048 and more make merkle paths of 12 levels.',
  },
  unpinned: {
    type: toggle(),
    default: false,
    doc: 'Leaves it to the system which cores everything runs on; without it the load has half of them to itself.',
  },
  quick: {
    type: toggle(),
    default: false,
    doc: 'Only tries the tool out: 100 miners, 3 s of each rate, one round; no document is written.',
  },
  document: { type: path(), default: 'docs/performance.md', doc: 'Whose section between the markers is written.' },
});
export type PoolCpuConfig = ConfigOf<typeof poolCpuSettings>;
