// The flags of `npm run load:shared-port`.
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { decimal, integer, listOf, oneOf } from '@sluice/runtime/config/value-types';
import { rowNamesOf } from '../compare/rows.ts';

const MAX_SECONDS = 3_600;

/** One gateway; several as processes; as threads of one process. */
export const arrangements = ['one', 'processes', 'threads'] as const;
export type Arrangement = (typeof arrangements)[number];

export const sharedPortSettings = defineConfig({
  rounds: {
    type: integer({ min: 1, max: 100 }),
    default: 3,
    doc: 'How often everything is measured; the order is turned round each time.',
  },
  rows: {
    type: listOf(oneOf(rowNamesOf('pool'))),
    default: ['paced-1000', 'paced-3000', 'pipelined-1000', 'hold-5000', 'new-tip-5000'],
    doc: 'Which loads, of those of load:compare for a pool.',
  },
  arrangements: { type: listOf(oneOf(arrangements)), default: arrangements, doc: 'What is measured.' },
  gateways: { type: integer({ min: 2, max: 64 }), default: 2, doc: 'How many share the port.' },
  seconds: {
    type: decimal({ min: 1, max: MAX_SECONDS }),
    default: 10,
    doc: 'How long each load of shares is measured, and idle connections are held.',
  },
  warmUpSeconds: {
    type: decimal({ min: 0, max: MAX_SECONDS }),
    default: 5,
    doc: 'Shares are sent for so long before: the processes are new for each load.',
  },
  tips: { type: integer({ min: 1, max: 1_000 }), default: 20, doc: 'New tips that count, after as many that do not.' },
});
export type SharedPortConfig = ConfigOf<typeof sharedPortSettings>;
