// How the gateway's connections go: each after the stream has the shares that it sent. Devices that follow a Reconnect are told so; the others
// are closed, because some clients stop working when they are sent one.
import { Drain, type DrainGoal, type DrainModules } from '@sluice/server/drain';
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import type { Connection } from './connection.ts';
import type { ShareBatcher } from './share-batcher.ts';

export interface GatewayDrainModules extends Pick<DrainModules<Connection>, 'clock' | 'random' | 'sleep'> {
  readonly batcher: Pick<ShareBatcher, 'flush'>;
  /** Vendors, as in SetupConnection, whose devices follow a Reconnect. */
  readonly reconnectVendors: ReadonlySet<string>;
}

export function startDrain(
  connections: ReadonlyMap<number, Connection>,
  goal: DrainGoal,
  { batcher, reconnectVendors, ...modules }: GatewayDrainModules,
): Drain<Connection> {
  return new Drain(connections, goal, {
    ...modules,
    settle: (_, ms) => batcher.flush(ms),
    sendAway: (connection) => sendAway(connection, reconnectVendors),
  });
}

function sendAway(connection: Connection, reconnectVendors: ReadonlySet<string>): void {
  if (connection.setup !== undefined && reconnectVendors.has(connection.setup.vendor))
    connection.send(Reconnect, { newHost: '', newPort: 0 });
  connection.end('drained');
}
