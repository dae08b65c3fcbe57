import { busRule, busSettings } from '@sluice/bus/bus-settings';
import { type ConfigOf, type ConfigRule, defineConfig } from '@sluice/runtime/config';
import { hostPort, integer, listenAddress, listOf, text, toggle } from '@sluice/runtime/config/value-types';
import { connectionLimits, connectionSettings } from '@sluice/server/connection-settings';
import { drainSettings } from '@sluice/server/drain-settings';
import { identityNeeded, identityRule, identitySettings } from '@sluice/server/identity-settings';
import { defaultLimits, type GatewayLimits } from './limits.ts';

/** Most connections are of one device; some are of a proxy with thousands. */
const CHANNELS_A_CONNECTION = 4;

export const connectionGatewaySettings = defineConfig({
  ...busSettings,
  listen: {
    type: listOf(listenAddress()),
    default: [{ host: '0.0.0.0', port: 3333 }],
    doc: 'Where miners connect.',
    sharedBy: 'reusePort',
  },
  reusePort: {
    type: toggle(),
    default: false,
    doc: 'Other gateways of the same user on this machine may listen on the same addresses (SO_REUSEPORT), and each gets its part of the connections; limits are those of one process. Every one of them must have it.',
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
  ...connectionSettings(defaultLimits, 1_000_000),
  shareDeadline: {
    type: integer({ min: 1, max: 1_000_000 }),
    default: defaultLimits.shareDeadlineMs / 1_000,
    doc: 'Seconds that a connection may have channels and send no share; then it is closed.',
  },
  ...drainSettings,
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
    ...connectionLimits(config),
    shareDeadlineMs: config.shareDeadline * 1_000,
    channels: config.maxConnections * CHANNELS_A_CONNECTION,
    channelsPerAddress: config.maxConnectionsPerAddress * CHANNELS_A_CONNECTION,
  };
}
