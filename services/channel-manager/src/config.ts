import { networks } from '@sluice/bitcoin/network';
import { busRule, busSettings } from '@sluice/bus/bus-settings';
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { readableFile } from '@sluice/runtime/config/path-types';
import { decimal, oneOf, toggle } from '@sluice/runtime/config/value-types';
import { accountsFault } from './accounts-file.ts';

export const channelManagerSettings = defineConfig({
  ...busSettings,
  sharesPerMinute: {
    type: decimal({ min: 0.1, max: 100_000 }),
    default: 6,
    doc: 'Shares a minute that the difficulty of each channel is set for.',
  },
  easiestDifficulty: {
    type: decimal({ min: 1e-10, max: 1e15 }),
    default: 0.001,
    doc: 'No channel gets an easier target than this difficulty.',
  },
  hardestDifficulty: {
    type: decimal({ min: 1e-9, max: 1e18 }),
    default: 1e15,
    doc: 'No channel gets a harder target than this difficulty.',
  },
  unknownHashrate: {
    type: decimal({ min: 1, max: 1e21 }),
    default: 1e12,
    doc: 'Hashes a second that are taken for a miner who claims none.',
  },
  trustedHashrate: {
    type: decimal({ min: 1, max: 1e21 }),
    default: 1e15,
    doc: 'Hashes a second up to which a claim chooses the first target; what is observed then rules.',
  },
  payoutByIdentity: {
    type: toggle(),
    default: false,
    doc: 'A miner whose identity names an address (ADDRESS.WORKER, sri/solo/ADDRESS/WORKER, sri/donate/PERCENT/ADDRESS/WORKER) has its blocks paid there, and is owed nothing by the pool. To be set at job-distributor and share-validator as well. Off: blocks pay the pool, whatever a miner is named.',
  },
  network: {
    type: oneOf(networks),
    default: 'mainnet',
    doc: 'The network of the addresses that payoutByIdentity takes.',
  },
  accounts: {
    type: readableFile({ holds: 'accounts, one a line', fault: accountsFault }),
    optional: true,
    doc: 'File with the accounts that may mine, one a line; without it every account may.',
  },
});
/** Each setting may be at its default while the other is not. */
export const channelManagerRule: ConfigRule<typeof channelManagerSettings> = (config, placeOf) => [
  ...busRule(config, placeOf),
  ...(config.easiestDifficulty <= config.hardestDifficulty
    ? []
    : [
        {
          setting: 'easiestDifficulty' as const,
          problem: `${config.easiestDifficulty} is above the hardest difficulty`,
          allowed: `at most ${config.hardestDifficulty}, set by ${placeOf('hardestDifficulty')}`,
        },
      ]),
];

export type ChannelManagerConfig = ConfigOf<typeof channelManagerSettings>;
