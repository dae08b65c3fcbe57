import { type Network, networks } from '@sluice/bitcoin/network';
import { scriptFor } from '@sluice/bitcoin/script';
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { readableFile, secretFile } from '@sluice/runtime/config/path-types';
import {
  decimal,
  formatHostPort,
  integer,
  listenAddress,
  listOf,
  oneOf,
  text,
} from '@sluice/runtime/config/value-types';
import { messageOf } from '@sluice/runtime/errors';
import { connectionLimits, connectionSettings } from '@sluice/server/connection-settings';
import { drainSettings } from '@sluice/server/drain-settings';
import { identityNeeded, identityRule, identitySettings } from '@sluice/server/identity-settings';
import { PLACES_BOUND } from './miners/places.ts';
import type { ProxyOptions } from './service.ts';
import { defaultSv1Limits, type Sv1Limits } from './sv1/limits.ts';
import { certificateFault, privateKeyFault } from './sv1/tls-certificate.ts';
import { defaultSv2Limits, type Sv2Limits } from './sv2/limits.ts';
import type { SoloPayout } from './upstream/solo-work.ts';
import { identityText, type UpstreamUrl, upstreamUrls } from './upstream/upstream-url.ts';

export const proxySettings = defineConfig({
  listen: {
    type: listOf(listenAddress()),
    default: [{ host: '0.0.0.0', port: 34255 }],
    doc: 'Where miners of Stratum V1 connect.',
  },
  listenTls: {
    type: listOf(listenAddress()),
    default: [],
    doc: 'Where miners of Stratum V1 connect by TLS.',
  },
  tlsCertificateFile: {
    type: readableFile({ holds: 'a certificate in PEM', fault: certificateFault }),
    optional: true,
    doc: 'The certificate of the TLS port, and behind it those up to its authority; it and the key are read again when they change.',
  },
  tlsKeyFile: {
    type: secretFile({ holds: 'the private key of tlsCertificateFile in PEM', fault: privateKeyFault }),
    optional: true,
    doc: 'The key of that certificate.',
  },
  listenSv2: {
    type: listOf(listenAddress()),
    default: [],
    doc: 'Where miners of Stratum V2 connect; none without a key or certificate.',
  },
  ...identitySettings,
  upstream: {
    type: upstreamUrls(),
    doc: 'The pools, the preferred one first; without a key any server is trusted. Behind ?identity= stands what this pool alone knows the farm by, which is the user with one of Stratum V1; behind ?payout= whom blocks pay where it is a node that belongs to the farm; pools with a ?weight= share the farm, and the others are to fall back on.',
  },
  network: { type: oneOf(networks), default: 'mainnet', doc: 'The network that the addresses behind ?payout= are of.' },
  upstreamCaFile: {
    type: readableFile({ holds: 'a certificate in PEM', fault: certificateFault }),
    optional: true,
    doc: "Certificate authority that pools of Stratum V1 may have beside the system's, for stratum+ssl.",
  },
  identity: {
    type: identityText(),
    optional: true,
    doc: 'Account of the farm at the pools; each miner is a worker of it.',
  },
  channels: {
    type: oneOf(['aggregated', 'per-miner']),
    default: 'aggregated',
    doc: 'Whether all miners are one channel of a pool, or each has its own, which the pool knows as the identity with the worker behind it; a pool of Stratum V1 has one for all.',
  },
  workerIdentity: {
    type: text({
      allowed: 'up to 128 characters with {worker}, and {account} where the identity is to stand',
      placeholder: 'TEMPLATE',
      pattern: /^(?=.*\{worker\})[!-~]{1,128}$/,
    }),
    default: '{account}.{worker}',
    doc: 'What a pool knows a miner by that has a channel of its own; a miner without a worker, or with too long a name, has the identity alone.',
  },
  returnAfter: {
    type: integer({ min: 1, max: 86_400 }),
    default: 60,
    doc: 'Seconds that a preferred pool must have been there before the farm goes back to it.',
  },
  sharesPerMinute: {
    type: decimal({ min: 0.1, max: 100_000 }),
    default: 6,
    doc: 'Shares of each miner that its difficulty is set for; most of them stay here.',
  },
  firstDifficulty: {
    type: decimal({ min: 1e-9, max: 1e15 }),
    default: 8_192,
    doc: 'First difficulty of a miner that asks for none; never harder than what the pool wants of the whole farm.',
  },
  easiestDifficulty: {
    type: decimal({ min: 1e-9, max: 1e15 }),
    default: 0.0001,
    doc: 'The easiest difficulty that a miner gets, whatever it asks for.',
  },
  versionMask: {
    type: oneOf(['1fffe000', '1fffffe0']),
    default: '1fffe000',
    doc: 'Bits of the version that miners may roll: those of BIP320, which every pool takes, or those of BIP323.',
  },
  extranonce2Size: {
    type: integer({ min: 2, max: 8 }),
    default: 4,
    doc: 'Bytes of the extranonce that each miner rolls; a pool that leaves less than this and two more is not used.',
  },
  ...connectionSettings(defaultSv1Limits, PLACES_BOUND),
  readRest: {
    type: integer({ min: 0, max: 20 }),
    default: 2,
    doc: 'Milliseconds that the proxy stands still behind a few shares, while hundreds come in a second, so that the next ones are read together: less CPU time for each, and what comes meanwhile, a new tip among it, waits as long at most; 0: never.',
  },
  ...drainSettings,
  reconnectAgents: {
    type: listOf(
      text({
        allowed: 'how the name of a software begins in mining.subscribe, up to 128 characters',
        placeholder: 'AGENT',
        pattern: /^.{1,128}$/,
      }),
    ),
    default: [],
    doc: 'Software that follows client.reconnect; every other connection is closed without it when it is moved away.',
  },
});
export type ProxyConfig = ConfigOf<typeof proxySettings>;

export const proxyRule: ConfigRule<typeof proxySettings> = (config, placeOf) => {
  const { upstream, identity, firstDifficulty, easiestDifficulty } = config;
  const nameless = upstream.find((one) => one.identity === undefined && one.payout === undefined);
  return [
    ...identityRule(config, placeOf),
    ...(config.listenSv2.length > 0 ? identityNeeded(config, placeOf) : []),
    ...(identity === undefined && nameless !== undefined
      ? [
          {
            setting: 'identity' as const,
            problem: `not set, and ${formatHostPort(nameless)} of ${placeOf('upstream')} has none of its own`,
            allowed: 'an identity for all, or one behind ?identity= of each upstream',
          },
        ]
      : []),
    ...(firstDifficulty < easiestDifficulty
      ? [
          {
            setting: 'firstDifficulty' as const,
            problem: `${firstDifficulty} is easier than ${placeOf('easiestDifficulty')}`,
            allowed: `at least ${easiestDifficulty}`,
          },
        ]
      : []),
    ...payoutMistakes(config),
    ...tlsRule(config, placeOf),
  ];
};

function payoutMistakes({ upstream, network }: Pick<ProxyConfig, 'upstream' | 'network'>) {
  const allowed = `?payout= with an address or descriptor of ${network}`;
  return upstream.flatMap((url) => {
    try {
      payoutOf(url, network);
      return [];
    } catch (error) {
      return [{ setting: 'upstream' as const, problem: `${formatHostPort(url)}: ${messageOf(error)}`, allowed }];
    }
  });
}

/** Whom the blocks of a node that belongs to the farm pay; `undefined`: it is a pool. @throws BitcoinError as `scriptFor` does. */
function payoutOf({ payout }: UpstreamUrl, network: Network): SoloPayout | undefined {
  return payout === undefined ? undefined : { script: scriptFor(payout, network), network };
}

/** The rule has seen to it that each pool has an identity, and that payouts are of the network. */
export function upstreamsOf({ upstream, identity = '', network }: ProxyConfig): ProxyOptions['upstreams'] {
  return upstream.map((url) => {
    const payout = payoutOf(url, network);
    return { url, identity: url.identity ?? identity, ...(payout === undefined ? {} : { payout }) };
  });
}

/** The TLS port, its certificate and its key: all of them or none. */
const tlsRule: ConfigRule<typeof proxySettings> = (config, placeOf) => {
  const isGiven = {
    listenTls: config.listenTls.length > 0,
    tlsCertificateFile: config.tlsCertificateFile !== undefined,
    tlsKeyFile: config.tlsKeyFile !== undefined,
  };
  const names = Object.keys(isGiven) as (keyof typeof isGiven)[];
  const given = names.find((name) => isGiven[name]);
  const missing = names.find((name) => !isGiven[name]);
  if (given === undefined || missing === undefined) return [];
  return [
    {
      setting: missing,
      problem: `not set, but ${placeOf(given)} is`,
      allowed: 'an address for TLS with its certificate and its key, or none of the three',
    },
  ];
};

export function limitsOf(config: ProxyConfig): Sv1Limits {
  return {
    ...defaultSv1Limits,
    ...connectionLimits(config),
  };
}

/** The TLS port, when there is one: the rule has seen to it that it has both files. */
export function tlsOf(config: ProxyConfig): ProxyOptions['tls'] {
  const { listenTls: listen, tlsCertificateFile: certificate, tlsKeyFile: key } = config;
  return certificate === undefined || key === undefined ? undefined : { listen, files: { certificate, key } };
}

export function sv2LimitsOf(config: ProxyConfig): Sv2Limits {
  // Each costs a key exchange.
  const connectionRate = Math.min(config.connectionRate, defaultSv2Limits.connectionsPerSecond);
  return { ...defaultSv2Limits, ...connectionLimits({ ...config, connectionRate }) };
}
