import type { Network } from '@sluice/bitcoin/network';
import { scriptFor } from '@sluice/bitcoin/script';
import { busSettings } from '@sluice/bus/bus-settings';
import type { Payout } from '@sluice/mining/build-job';
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { integer, listOf, oneOf, text } from '@sluice/runtime/config/value-types';
import { messageOf } from '@sluice/runtime/errors';

const networks = ['mainnet', 'testnet4', 'signet', 'regtest'] as const satisfies readonly Network[];

export const jobDistributorSettings = defineConfig({
  ...busSettings,
  instance: {
    type: text({ allowed: 'letters, digits, - and _', placeholder: 'NAME', pattern: /^[\w-]{1,64}$/ }),
    default: 'job-distributor',
    doc: 'Name of this process among the distributors of the pool; one of them leads.',
  },
  network: { type: oneOf(networks), default: 'mainnet', doc: 'The network that the payout addresses are of.' },
  payout: {
    type: listOf(
      text({
        allowed: 'ADDRESS or DESCRIPTOR, with =WEIGHT behind it if there are several',
        placeholder: 'ADDRESS[=WEIGHT]',
      }),
    ),
    doc: 'Where blocks pay to: addresses or descriptors, each with its weight; a weight is 1 if not given.',
  },
  poolTag: {
    type: text({ allowed: 'up to 64 printable ASCII characters', placeholder: 'TEXT', pattern: /^[\x20-\x7e]{0,64}$/ }),
    default: '/Sluice/',
    doc: "What the pool signs its blocks with, in the coinbase's script.",
  },
  templateRefresh: {
    type: integer({ min: 1, max: 60 }),
    default: 30,
    doc: 'Seconds after which miners are given a newer template of the same tip.',
  },
  templateFeeRise: {
    type: integer({ min: 0, max: 1_000 }),
    default: 5,
    doc: "Per cent by which a block's value must have risen for a newer template to be given before that, though not within 5 s.",
  },
});
export type JobDistributorConfig = ConfigOf<typeof jobDistributorSettings>;

/** `ADDRESS[=WEIGHT]` on a network; throws the coded errors of `scriptFor`. */
export function parsePayout(setting: string, network: Network): Payout {
  const { address = setting, weight = '1' } = /^(?<address>.+)=(?<weight>[1-9]\d{0,8})$/.exec(setting)?.groups ?? {};
  return { script: scriptFor(address, network), weight: Number(weight) };
}

/** One line for each payout that is none. */
export function payoutMistakes(config: Pick<JobDistributorConfig, 'network' | 'payout'>): string[] {
  if (config.payout.length === 0) return ['payout: at least one address is needed'];
  return config.payout.flatMap((setting) => {
    try {
      parsePayout(setting, config.network);
      return [];
    } catch (error) {
      return [`payout "${setting}": ${messageOf(error)}; allowed: an address or descriptor of ${config.network}`];
    }
  });
}
