import { busSettings } from '@sluice/bus/bus-settings';
import { decodeAuthorityPublicKey } from '@sluice/noise/authority-key';
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import type { ConfigRule } from '@sluice/runtime/config/load';
import { hostPort, integer, listOf, path, text } from '@sluice/runtime/config/value-types';
import { defaultLimits, type GatewayLimits } from './limits.ts';

export const connectionGatewaySettings = defineConfig({
  ...busSettings,
  listen: {
    type: listOf(hostPort()),
    default: [{ host: '0.0.0.0', port: 3333 }],
    doc: 'Where miners connect.',
  },
  gatewayLabel: {
    type: text({ allowed: 'letters, digits, - and _', placeholder: 'NAME', pattern: /^[\w-]{1,63}$/ }),
    default: 'gateway',
    doc: 'Name of this gateway for people: the pod or host.',
  },
  authoritySecretFile: {
    type: path(),
    optional: true,
    doc: "File with the authority's secret key, as `sluice keys` makes it: the gateway then certifies itself. For one machine only.",
  },
  certificateDirectory: {
    type: path(),
    optional: true,
    doc: 'Folder with `static-key` and `certificate`, made by who holds the authority; read again whenever they change.',
  },
  authorityKey: {
    type: text({
      allowed: "an authority's public key in base58check, as miners are given it",
      placeholder: 'KEY',
      pattern: /^[1-9A-HJ-NP-Za-km-z]{40,60}$/,
    }),
    optional: true,
    doc: 'With it a certificate from files is checked before it is used.',
  },
  certificateValidity: {
    type: integer({ min: 600, max: 31_536_000 }),
    default: 86_400,
    doc: 'Seconds that a certificate which the gateway makes itself is valid; it is renewed at half of them.',
  },
  solutionEndpoints: {
    type: listOf(hostPort()),
    default: [],
    doc: 'Template providers that take block candidates without the bus.',
  },
  maxConnections: {
    type: integer({ min: 1, max: 1_000_000 }),
    default: defaultLimits.connections,
    doc: 'Connections held at once; more are closed.',
  },
  maxConnectionsPerAddress: {
    type: integer({ min: 1, max: 1_000_000 }),
    default: defaultLimits.connectionsPerAddress,
    doc: 'Connections held at once from one address; more are closed. As many as maxConnections behind a load balancer that hides addresses.',
  },
  connectionRate: {
    type: integer({ min: 1, max: 100_000 }),
    default: defaultLimits.connectionsPerSecond,
    doc: 'New connections a second, after a burst of ten times as many; more are closed.',
  },
  messageRate: {
    type: integer({ min: 1, max: 1_000_000 }),
    default: defaultLimits.messagesPerSecond,
    doc: 'Messages a second of one connection, after a burst of ten times as many; what comes faster is read later.',
  },
  drainSeconds: {
    type: integer({ min: 1, max: 3_600 }),
    default: 20,
    doc: 'Over how many seconds connections are moved away when the gateway ends.',
  },
  reconnectVendors: {
    type: listOf(text({ allowed: 'a vendor as it stands in SetupConnection', placeholder: 'VENDOR' })),
    default: [],
    doc: 'Vendors whose devices follow a Reconnect message; every other connection is closed when the gateway drains.',
  },
});
export type ConnectionGatewayConfig = ConfigOf<typeof connectionGatewaySettings>;

/** Exactly one way to a certificate, and a key that is one. */
export const connectionGatewayRule: ConfigRule<typeof connectionGatewaySettings> = (config) => {
  const mistakes: string[] = [];
  if ((config.authoritySecretFile === undefined) === (config.certificateDirectory === undefined))
    mistakes.push('one of authoritySecretFile and certificateDirectory must be set');
  if (config.authorityKey !== undefined && decodeAuthorityPublicKey(config.authorityKey) === undefined)
    mistakes.push('authorityKey is no public key: its checksum or version is wrong');
  return mistakes;
};

export function limitsOf(config: ConnectionGatewayConfig): GatewayLimits {
  return {
    ...defaultLimits,
    connections: config.maxConnections,
    connectionsPerAddress: config.maxConnectionsPerAddress,
    connectionsPerSecond: config.connectionRate,
    messagesPerSecond: config.messageRate,
  };
}
