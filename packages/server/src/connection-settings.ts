// The settings of a server of miners for whom it lets in and how fast, and the limits that they set.
import { type ConfigOf, defineConfig } from '@sluice/runtime/config';
import { integer, listOf } from '@sluice/runtime/config/value-types';
import { addressRange } from './address-ranges.ts';
import type { ListenerLimits } from './listener.ts';
import type { SocketLimits } from './peer-socket.ts';

type AddressRateLimits = Pick<ListenerLimits, 'connectionsPerSecondPerAddress'> &
  Pick<SocketLimits, 'messagesPerSecondPerAddress'>;
type ConnectionLimits = Omit<ListenerLimits, 'proxyHeaderDeadlineMs'> &
  Pick<SocketLimits, 'messagesPerSecond'> &
  AddressRateLimits;

/** What one address may take of the new connections of all. */
const ADDRESS_SHARE = 0.5;
/** Connections that the messages of one address may be as many as. */
const ADDRESS_CONNECTIONS = 10;

/** @param bound of the connections that can be set. */
export function connectionSettings(defaults: Omit<ConnectionLimits, keyof AddressRateLimits>, bound: number) {
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
      doc: 'Connections held at once from one address; more are closed. As many as maxConnections behind a load balancer without proxyProtocolFrom: rates of an address then do not hold either.',
    },
    connectionRate: {
      type: integer({ min: 1, max: 100_000 }),
      default: defaults.connectionsPerSecond,
      doc: 'New connections a second, after a burst of ten times as many, and half of them from one address; more are closed.',
    },
    messageRate: {
      type: integer({ min: 1, max: 1_000_000 }),
      default: defaults.messagesPerSecond,
      doc: 'Messages a second of one connection, after a burst of ten times as many, and ten times that of one address; what comes faster is read later.',
    },
  });
}

/** What is set. */
export function connectionLimits(config: ConfigOf<ReturnType<typeof connectionSettings>>): ConnectionLimits {
  const { maxConnections, maxConnectionsPerAddress, connectionRate, messageRate, proxyProtocolFrom } = config;
  return {
    connections: maxConnections,
    connectionsPerAddress: maxConnectionsPerAddress,
    connectionsPerSecond: connectionRate,
    messagesPerSecond: messageRate,
    proxyProtocolFrom,
    ...addressRates(connectionRate, messageRate, maxConnectionsPerAddress >= maxConnections),
  };
}

/** @param isOneForAll addresses say nothing: one is that of all. */
export function addressRates(connectionRate: number, messageRate: number, isOneForAll: boolean): AddressRateLimits {
  return {
    connectionsPerSecondPerAddress: isOneForAll ? connectionRate : connectionRate * ADDRESS_SHARE,
    messagesPerSecondPerAddress: isOneForAll ? Number.POSITIVE_INFINITY : messageRate * ADDRESS_CONNECTIONS,
  };
}
