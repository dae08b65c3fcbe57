import { busRule, busSettings } from '@sluice/bus/bus-settings';
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { hostPort, integer, listenAddress, listOf, text } from '@sluice/runtime/config/value-types';
import { identityNeeded, identityRule, identitySettings } from '@sluice/server/identity-settings';
import { proxyProtocolSettings } from '@sluice/server/proxy-protocol-settings';
import { defaultLimits, type GatewayLimits } from './limits.ts';

export const connectionGatewaySettings = defineConfig({
  ...busSettings,
  listen: {
    type: listOf(listenAddress()),
    default: [{ host: '0.0.0.0', port: 3333 }],
    doc: 'Where miners connect.',
  },
  gatewayLabel: {
    type: text({ allowed: 'letters, digits, - and _', placeholder: 'NAME', pattern: /^[\w-]{1,63}$/ }),
    default: 'gateway',
    doc: 'Name of this gateway for people: the pod or host.',
  },
  ...identitySettings,
  solutionEndpoints: {
    type: listOf(hostPort()),
    default: [],
    doc: 'Template providers that take block candidates without the bus.',
  },
  ...proxyProtocolSettings,
  maxConnections: {
    type: integer({ min: 1, max: 1_000_000 }),
    default: defaultLimits.connections,
    doc: 'Connections held at once; more are closed.',
  },
  maxConnectionsPerAddress: {
    type: integer({ min: 1, max: 1_000_000 }),
    default: defaultLimits.connectionsPerAddress,
    doc: 'Connections held at once from one address; more are closed. As many as maxConnections behind a load balancer without proxyProtocolFrom.',
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
    type: listOf(
      text({
        allowed: 'a vendor as it stands in SetupConnection, up to 255 characters',
        placeholder: 'VENDOR',
        pattern: /^.{1,255}$/,
      }),
    ),
    default: [],
    doc: 'Vendors whose devices follow a Reconnect message; every other connection is closed when the gateway drains.',
  },
});
export type ConnectionGatewayConfig = ConfigOf<typeof connectionGatewaySettings>;

export const connectionGatewayRule: ConfigRule<typeof connectionGatewaySettings> = (config, placeOf) => [
  ...busRule(config, placeOf),
  ...identityRule(config, placeOf),
  ...identityNeeded(config, placeOf),
];

export function limitsOf(config: ConnectionGatewayConfig): GatewayLimits {
  return {
    ...defaultLimits,
    connections: config.maxConnections,
    connectionsPerAddress: config.maxConnectionsPerAddress,
    connectionsPerSecond: config.connectionRate,
    proxyProtocolFrom: config.proxyProtocolFrom,
    messagesPerSecond: config.messageRate,
  };
}
