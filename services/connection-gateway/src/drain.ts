// How the gateway's connections go: each after the stream has the shares that it sent.
import { Drain, type DrainGoal, type DrainModules } from '@sluice/server/drain';
import { sendAway } from '@sluice/server/send-away';
import type { Connection } from './connection.ts';

export interface GatewayDrainModules extends Pick<DrainModules<Connection>, 'clock' | 'random' | 'sleep'> {
  /** As that of the gateway. */
  readonly flushShares: (deadlineMs: number) => Promise<boolean>;
  /** Vendors, as in SetupConnection, whose devices follow a Reconnect. */
  readonly reconnectVendors: ReadonlySet<string>;
}

export function startDrain(
  connections: ReadonlyMap<number, Connection>,
  goal: DrainGoal,
  { flushShares, reconnectVendors, ...modules }: GatewayDrainModules,
): Drain<Connection> {
  return new Drain(connections, goal, {
    ...modules,
    settle: (_, ms) => flushShares(ms),
    sendAway: (connection) => sendAway(connection, reconnectVendors),
  });
}
