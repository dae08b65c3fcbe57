// Moves connections away: in jittered batches over the time that there is, each after what is under way was answered.
import type { Clock } from '@sluice/runtime/clock';

/** Time between two batches, before jitter. */
const STEP_MS = 100;
/** Part of the deadline in which all are moved; the rest is for the last answers. */
const MOVING_PART = 0.8;
/** A batch of connections does not wait longer for its answers: a proxy answers by itself after a second and a quarter. Others go meanwhile: answers from far away take nothing of the pace. */
const SETTLE_MS = 1_500;

/** Connections that go in a second where nobody sets it, and the time does not ask for more. */
export const DEFAULT_PER_SECOND = 10;
/** Below it, shares that are under way could not be answered. */
const SHORTEST_MS = 1_000;

/** The deadline, or a sooner one where the connections are so few that they can be moved at that pace before. */
export function pacedDeadlineMs(connections: number, deadlineMs: number, perSecond = DEFAULT_PER_SECOND): number {
  const pacedMs = (connections / perSecond) * 1_000;
  return Math.min(deadlineMs, Math.max(SHORTEST_MS, pacedMs / MOVING_PART));
}

export interface DrainGoal {
  /** Connections that stay. */
  readonly keep: number;
  /** By when the others are gone. */
  readonly deadlineMs: number;
}

/** What a drain knows of a connection. */
export interface DrainedConnection {
  /** By which the open ones hold it. */
  readonly id: number;
  /** Reads nothing more, so that what is under way can be answered before the end. */
  stopReading(): void;
}

export interface DrainModules<C extends DrainedConnection> {
  readonly clock: Clock;
  /** In [0, 1). */
  random(): number;
  sleep(ms: number): Promise<void>;
  /** Resolves when what these connections have sent was answered, after so many milliseconds at the latest. */
  settle(connections: readonly C[], ms: number): Promise<unknown>;
  /** Ends a connection. */
  sendAway(connection: C): void;
}

export class Drain<C extends DrainedConnection> {
  /** Resolves when nobody is left who has to go, or after the batch in which it was cancelled. */
  readonly done: Promise<void>;
  readonly #connections: ReadonlyMap<number, C>;
  readonly #keep: number;
  readonly #modules: DrainModules<C>;
  /** Of those that are not read any more, and not away yet. */
  readonly #leaving = new Set<number>();
  #movedByMs: number;
  #endsAtMs: number;
  #isOver = false;

  /**
   * With some to keep, of those that came later nobody goes: whoever is moved and lands here again would be moved twice.
   * @param connections the open ones: who has left is no longer in it.
   */
  constructor(connections: ReadonlyMap<number, C>, { keep, deadlineMs }: DrainGoal, modules: DrainModules<C>) {
    this.#connections = connections;
    this.#keep = keep;
    this.#modules = modules;
    this.#movedByMs = this.#after(deadlineMs * MOVING_PART);
    this.#endsAtMs = this.#after(deadlineMs);
    this.done = this.#run();
  }

  /** Connections that are still to go. */
  get left(): number {
    return this.#isOver ? 0 : Math.max(0, this.#connections.size - this.#keep);
  }

  /** Nobody else goes than those who are not read any more. */
  cancel(): void {
    this.#isOver = true;
  }

  /** Another order came, or the end of the process: the earlier end counts. */
  hasten(deadlineMs: number): void {
    this.#movedByMs = Math.min(this.#movedByMs, this.#after(deadlineMs * MOVING_PART));
    this.#endsAtMs = Math.min(this.#endsAtMs, this.#after(deadlineMs));
  }

  #after(ms: number): number {
    return this.#modules.clock.monotonic() + ms;
  }

  async #run(): Promise<void> {
    const { clock, random, sleep } = this.#modules;
    let order = shuffled([...this.#connections.values()], random);
    // Where less than one is due in a step, the parts add up.
    let part = random();
    const batches = new Set<Promise<void>>();
    for (;;) {
      const staying = this.#staying();
      if (staying === 0) {
        if (batches.size === 0) break;
        // Who comes or leaves by itself meanwhile may have others to go.
        await Promise.all(batches);
        continue;
      }
      if (order.length === 0) {
        if (this.#keep > 0) break;
        // Those that came by a socket which was accepted before the listener closed.
        order = shuffled(
          [...this.#connections.values()].filter(({ id }) => !this.#leaving.has(id)),
          random,
        );
      }
      const leftMs = Math.max(0, this.#movedByMs - clock.monotonic());
      const steps = Math.max(1, Math.floor(leftMs / STEP_MS));
      const toGo = Math.min(order.length, staying);
      const due = toGo / steps + part;
      part = due % 1;
      const batch = this.#openOnes(order, Math.min(toGo, Math.floor(due)));
      if (batch.length > 0) {
        const ending = this.#end(batch).finally(() => batches.delete(ending));
        batches.add(ending);
      }
      if (steps > 1) await sleep(STEP_MS * (0.5 + random()));
    }
    await Promise.all(batches);
    this.#isOver = true;
  }

  /** Connections that are to go and have not been told yet. */
  #staying(): number {
    let leaving = 0;
    for (const id of this.#leaving) if (this.#connections.has(id)) leaving += 1;
    return Math.max(0, this.left - leaving);
  }

  async #end(batch: readonly C[]): Promise<void> {
    const { clock, settle, sendAway } = this.#modules;
    for (const connection of batch) {
      connection.stopReading();
      this.#leaving.add(connection.id);
    }
    await settle(batch, Math.min(SETTLE_MS, Math.max(0, this.#endsAtMs - clock.monotonic())));
    for (const connection of batch) {
      sendAway(connection);
      this.#leaving.delete(connection.id);
    }
  }

  /** Takes so many off the end that have not left by themselves. */
  #openOnes(order: C[], count: number): readonly C[] {
    const open: C[] = [];
    while (open.length < count) {
      const connection = order.pop();
      if (connection === undefined) break;
      if (this.#connections.has(connection.id)) open.push(connection);
    }
    return open;
  }
}

/** Fisher and Yates: neighbours in a rack do not come back at the same moment. */
function shuffled<T>(items: T[], random: () => number): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
  return items;
}
