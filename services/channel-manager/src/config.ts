import { busSettings } from '@sluice/bus/bus-settings';
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { decimal, path } from '@sluice/runtime/config/value-types';

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
  accounts: {
    type: path(),
    optional: true,
    doc: 'File with the accounts that may mine, one a line; without it every account may.',
  },
});
export type ChannelManagerConfig = ConfigOf<typeof channelManagerSettings>;
