import type { Network } from '@sluice/bitcoin/network';
import { scriptFor } from '@sluice/bitcoin/script';
import { busRule, busSettings } from '@sluice/bus/bus-settings';
import type { Payout } from '@sluice/mining/build-job';
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { integer, listOf, oneOf, text, toggle } from '@sluice/runtime/config/value-types';
import { codeOf, messageOf } from '@sluice/runtime/errors';

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
  payoutByIdentity: {
    type: toggle(),
    default: false,
    doc: 'Takes no template that leaves no room for an output that pays a miner beside those of the pool: the same as at channel-manager.',
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

const MAX_WEIGHT = 999_999_999;

/** `ADDRESS[=WEIGHT]` on a network; throws the coded errors of `scriptFor`, and a RangeError for what is no weight. */
export function parsePayout(setting: string, network: Network): Payout {
  const { address = setting, text = '1' } = /^(?<address>.+)=(?<text>[-+.\d]*)$/.exec(setting)?.groups ?? {};
  const script = scriptFor(address, network);
  const weight = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (weight === 0) throw new RangeError(`the weight "${text}" is no whole number from 1 to ${MAX_WEIGHT}`);
  return { script, weight };
}

export const jobDistributorRule: ConfigRule<typeof jobDistributorSettings> = (config, placeOf) => [
  ...busRule(config, placeOf),
  ...payoutMistakes(config),
];

/** One for each payout that is none. */
function payoutMistakes({ payout, network }: Pick<JobDistributorConfig, 'network' | 'payout'>) {
  const mistake = (problem: string, allowed: string) => ({ setting: 'payout' as const, problem, allowed });
  if (payout.length === 0) return [mistake('names no address', 'at least one')];
  return payout.flatMap((setting) => {
    try {
      parsePayout(setting, network);
      return [];
    } catch (error) {
      // Whoever mistook a private key for an address must not find it in a log.
      const shown = codeOf(error) === 'descriptor-private-key' ? 'a payout' : `"${setting}"`;
      const allowed = `addresses or descriptors of ${network}, each with =WEIGHT from 1 to ${MAX_WEIGHT} or without`;
      return [mistake(`${shown} is not allowed: ${messageOf(error)}`, allowed)];
    }
  });
}
