import { networks } from '@sluice/bitcoin/network';
import { busSettings } from '@sluice/bus/bus-settings';
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { integer, oneOf, text, toggle } from '@sluice/runtime/config/value-types';

export const shareValidatorSettings = defineConfig({
  ...busSettings,
  instance: {
    type: text({ allowed: 'letters, digits, - and _', placeholder: 'NAME', pattern: /^[\w-]{1,64}$/ }),
    optional: true,
    doc: 'Name of this validator, unique in the pool; without it the name of the host and a random number.',
  },
  payoutByIdentity: {
    type: toggle(),
    default: false,
    doc: 'Work of channels whose blocks pay the miner is judged by the coinbase that pays the address of their identity: the same as at channel-manager, but on here before it is there, and off after. Off: such work is told and credited to nobody.',
  },
  network: {
    type: oneOf(networks),
    default: 'mainnet',
    doc: 'The network of the addresses that payoutByIdentity takes.',
  },
  lease: {
    type: integer({ min: 2, max: 600 }),
    default: 6,
    doc: 'Seconds after which another validator takes over the incarnations of one that is gone.',
  },
  shareRetention: {
    type: integer({ min: 0, max: 3_650 }),
    default: 7,
    doc: 'Days for which credited shares are kept; fewer, but one at least, where their stream is fuller than 60 %; 0: for ever, and the stream refuses shares when it is full.',
  },
  releaseHeld: {
    type: integer({ min: 1, max: 4_294_967_295 }),
    optional: true,
    doc: 'Instead of all else: writes that the credit of this gateway incarnation is no longer held, because a person has looked, and ends.',
  },
  statisticsEvery: {
    type: integer({ min: 1, max: 3_600 }),
    default: 10,
    doc: 'Seconds between two publications of statistics.',
  },
});
export type ShareValidatorConfig = ConfigOf<typeof shareValidatorSettings>;
