import { availableParallelism } from 'node:os';
import { serverUrl } from '@sluice/client/server-url';
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { integer, oneOf, text, toggle, type ValueType } from '@sluice/runtime/config/value-types';
import { type LogLevel, logLevels } from '@sluice/runtime/logger';

/** A STR0_255 of the protocol. */
function identityText(): ValueType<string> {
  const any = text({ allowed: 'at most 255 bytes' });
  return { ...any, parse: (value) => (Buffer.byteLength(value) <= 255 ? any.parse(value) : undefined) };
}

export const minerSettings = defineConfig({
  pool: { type: serverUrl(), doc: 'The pool with its authority key; without a key any server is trusted.' },
  identity: {
    type: identityText(),
    default: 'miner',
    doc: 'Account and worker, as the pool knows them; a pool of ours takes at most 127 characters of each.',
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
  once: {
    type: toggle(),
    default: false,
    doc: 'Ends with exit code 1 when the pool refuses or the connection ends, instead of coming again: for tests of a pool.',
  },
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
