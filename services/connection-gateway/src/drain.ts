// Moves connections away: in jittered batches over the time that there is, each after its shares under way were answered. Devices that
// follow a Reconnect are told so; the others are closed, because some clients stop working when they are sent one.
import type { Clock } from '@sluice/runtime/clock';
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
  readonly batcher: Pick<ShareBatcher, 'flush'>;
  readonly clock: Clock;
  /** In [0, 1). */
  random(): number;
  sleep(ms: number): Promise<void>;
  /** Vendors, as in SetupConnection, whose devices follow a Reconnect. */
  readonly reconnectVendors: ReadonlySet<string>;
}

export class Drain {
  /** Resolves when no connection is left. */
  readonly done: Promise<void>;
  readonly #connections: ReadonlyMap<number, Connection>;
  readonly #modules: DrainModules;
  #movedByMs: number;

  constructor(connections: ReadonlyMap<number, Connection>, deadlineMs: number, modules: DrainModules) {
    this.#connections = connections;
    this.#modules = modules;
    this.#movedByMs = this.#movedBy(deadlineMs);
    this.done = this.#run();
  }

  /** Another order came, or the end of the process: the earlier end counts. */
  hasten(deadlineMs: number): void {
    this.#movedByMs = Math.min(this.#movedByMs, this.#movedBy(deadlineMs));
  }

  #movedBy(deadlineMs: number): number {
    return this.#modules.clock.monotonic() + deadlineMs * MOVING_PART;
  }

  async #run(): Promise<void> {
    const { batcher, clock, random, sleep, reconnectVendors } = this.#modules;
    let order: Connection[] = [];
    while (this.#connections.size > 0) {
      // Those that came by a socket which was accepted before the listener closed.
      if (order.length === 0) order = shuffled([...this.#connections.values()], random);
      const leftMs = Math.max(0, this.#movedByMs - clock.monotonic());
      const steps = Math.max(1, Math.floor(leftMs / STEP_MS));
      const batch = order.splice(0, Math.ceil(order.length / steps));
      for (const connection of batch) connection.stopReading();
      await batcher.flush(Math.min(FLUSH_MS, leftMs / steps));
      for (const connection of batch) sendAway(connection, reconnectVendors);
      if (this.#connections.size > 0 && steps > 1) await sleep(STEP_MS * (0.5 + random()));
    }
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
