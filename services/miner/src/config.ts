import { availableParallelism } from 'node:os';
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { integer, oneOf, text, toggle } from '@sluice/runtime/config/value-types';
import { type LogLevel, logLevels } from '@sluice/runtime/logger';
import { poolUrl } from './pool-url.ts';

export const minerSettings = defineConfig({
  pool: { type: poolUrl(), doc: 'The pool with its authority key; without a key any server is trusted.' },
  identity: {
    type: text({ allowed: 'at most 255 bytes', pattern: /^.{1,255}$/ }),
    default: 'miner',
    doc: 'Account and worker, as the pool knows them.',
  },
  extended: { type: toggle(), default: false, doc: 'Opens extended channels instead of standard ones.' },
  channels: { type: integer({ min: 1, max: 1_000 }), default: 1, doc: 'Channels on the connection; they take turns.' },
  standardJobs: {
    type: toggle(),
    default: false,
    doc: 'Asks for standard jobs only, as devices do that cannot build a merkle root; then there is no group.',
  },
  fixedVersion: { type: toggle(), default: false, doc: 'Does not roll version bits.' },
  threads: {
    type: integer({ min: 1, max: 256 }),
    default: 1,
    doc: 'Threads that hash.',
  },
  hashrate: {
    type: integer({ min: 1, max: 1_000_000_000_000 }),
    optional: true,
    doc: 'Hashes per second at most.',
  },
  statistics: { type: integer({ min: 1, max: 3_600 }), default: 5, doc: 'Seconds between two lines of statistics.' },
  json: { type: toggle(), default: false, doc: 'Prints every event as a line of JSON, for programs.' },
  logLevel: {
    type: oneOf(logLevels),
    default: 'info' satisfies LogLevel as LogLevel,
    doc: 'Least severe level that is logged.',
  },
});
export type MinerConfig = ConfigOf<typeof minerSettings>;

export const minerRule: ConfigRule<typeof minerSettings> = ({ extended, standardJobs, threads }, placeOf) => {
  const most = 4 * availableParallelism();
  return [
    ...(extended && standardJobs
      ? [
          {
            setting: 'extended' as const,
            problem: `set, and so is ${placeOf('standardJobs')}: standard jobs have no extended channel`,
            allowed: 'one of them',
          },
        ]
      : []),
    ...(threads > most
      ? [
          {
            setting: 'threads' as const,
            problem: `${threads} are more than four for each processor`,
            allowed: `at most ${most} on this machine`,
          },
        ]
      : []),
  ];
};
