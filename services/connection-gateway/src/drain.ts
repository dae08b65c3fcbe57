// Moves connections away: in jittered batches over the time that there is, each after its shares under way were answered. Devices that
// follow a Reconnect are told so; the others are closed, because some clients stop working when they are sent one.
import { Reconnect } from '@sluice/sv2/messages/common/reconnect';
import type { Connection } from './connection.ts';
import type { ShareBatcher } from './share-batcher.ts';

/** Time between two batches, before jitter. */
const STEP_MS = 100;
/** Part of the deadline in which all are moved; the rest is for the last answers. */
const MOVING_PART = 0.8;
/** A batch of connections does not wait longer for the stream. */
const FLUSH_MS = 1_000;

export interface DrainModules {
  readonly batcher: ShareBatcher;
  /** In [0, 1). */
  random(): number;
  sleep(ms: number): Promise<void>;
  /** Vendors, as in SetupConnection, whose devices follow a Reconnect. */
  readonly reconnectVendors: ReadonlySet<string>;
}

/** Resolves when every connection was told to go, which takes about `deadlineMs` when there are many. */
export async function drain(
  connections: ReadonlyMap<number, Connection>,
  deadlineMs: number,
  modules: DrainModules,
): Promise<void> {
  const moving = shuffled([...connections.values()], modules.random);
  const steps = Math.max(1, Math.floor((deadlineMs * MOVING_PART) / STEP_MS));
  const perStep = Math.ceil(moving.length / steps);
  for (let from = 0; from < moving.length; from += perStep) {
    const batch = moving.slice(from, from + perStep);
    for (const connection of batch) connection.stopReading();
    await modules.batcher.flush(Math.min(FLUSH_MS, deadlineMs));
    for (const connection of batch) sendAway(connection, modules.reconnectVendors);
    if (from + perStep < moving.length) await modules.sleep(STEP_MS * (0.5 + modules.random()));
  }
}

function sendAway(connection: Connection, reconnectVendors: ReadonlySet<string>): void {
  if (connection.setup !== undefined && reconnectVendors.has(connection.setup.vendor))
    connection.send(Reconnect, { newHost: '', newPort: 0 });
  connection.end('drained');
}

/** Fisher and Yates: neighbours in a rack do not come back at the same moment. */
function shuffled<T>(items: T[], random: () => number): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
  return items;
}
