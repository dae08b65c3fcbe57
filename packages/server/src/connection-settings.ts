// The settings of a server of miners for whom it lets in and how fast, and the limits that they set.
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { integer, listOf } from '@sluice/runtime/config/value-types';
import { addressRange } from './address-ranges.ts';
import type { ListenerLimits } from './listener.ts';
import type { SocketLimits } from './peer-socket.ts';

type ConnectionLimits = Omit<ListenerLimits, 'proxyHeaderDeadlineMs'> & Pick<SocketLimits, 'messagesPerSecond'>;

/** @param bound of the connections that can be set. */
export function connectionSettings(defaults: ConnectionLimits, bound: number) {
  return defineConfig({
    proxyProtocolFrom: {
      type: listOf(addressRange()),
      default: defaults.proxyProtocolFrom,
      doc: "Load balancers: connections from there must begin with a header of the PROXY protocol, version 2, and count as their client's. From anywhere else it is not taken.",
    },
    maxConnections: {
      type: integer({ min: 1, max: bound }),
      default: defaults.connections,
      doc: 'Connections held at once; more are closed.',
    },
    maxConnectionsPerAddress: {
      type: integer({ min: 1, max: bound }),
      default: defaults.connectionsPerAddress,
      doc: 'Connections held at once from one address; more are closed. As many as maxConnections behind a load balancer without proxyProtocolFrom.',
    },
    connectionRate: {
      type: integer({ min: 1, max: 100_000 }),
      default: defaults.connectionsPerSecond,
      doc: 'New connections a second, after a burst of ten times as many; more are closed.',
    },
    messageRate: {
      type: integer({ min: 1, max: 1_000_000 }),
      default: defaults.messagesPerSecond,
      doc: 'Messages a second of one connection, after a burst of ten times as many; what comes faster is read later.',
    },
  });
}

/** What is set. */
export function connectionLimits(config: ConfigOf<ReturnType<typeof connectionSettings>>): ConnectionLimits {
  return {
    connections: config.maxConnections,
    connectionsPerAddress: config.maxConnectionsPerAddress,
    connectionsPerSecond: config.connectionRate,
    messagesPerSecond: config.messageRate,
    proxyProtocolFrom: config.proxyProtocolFrom,
  };
}
