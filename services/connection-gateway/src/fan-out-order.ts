// Whom a pass of the fan-out tells next: the connections with the most accepted work first. A connection's groups are told together; where
// each channel has its own jobs a connection can be thousands of messages, and is told channel by channel.
import type { GatewayChannel } from './channels.ts';
import type { Connection } from './connection.ts';

/** All groups of a connection, or one channel with its own jobs. */
export type Receiver = Connection | GatewayChannel;

/** Receivers that are told at once. */
export const STEP_RECEIVERS = 16;
/** Channels of groups that a step goes beyond at most once: what is noted for each takes a fraction of a microsecond. */
const STEP_MEMBERS = 64;

export class FanOutOrder {
  /** Largest work first, as it was at the last `sort`; new ones at the end. */
  readonly #connections: Connection[] = [];
  #next = 0;
  /** Channels of the connection at `#next` that were not taken yet, where each has its own jobs. */
  #rest: Iterator<GatewayChannel> | undefined;

  add(connection: Connection): void {
    this.#connections.push(connection);
  }

  remove(connection: Connection): void {
    const index = this.#connections.indexOf(connection);
    if (index === -1) return;
    this.#connections.splice(index, 1);
    if (index < this.#next) this.#next -= 1;
    else if (index === this.#next) this.#rest = undefined;
  }

  /** `nowMs` is the monotonic clock's. */
  sort(nowMs: number): void {
    const work = new Map(this.#connections.map((connection) => [connection, connection.work.total(nowMs)]));
    this.#connections.sort((a, b) => (work.get(b) ?? 0) - (work.get(a) ?? 0));
    this.restart();
  }

  /** The next to be taken is the first of all. */
  restart(): void {
    this.#next = 0;
    this.#rest = undefined;
  }

  /** Adds to `step` those who are next of all that were not told of work number `end`, which is done before anything else runs. Without any: nobody is left. */
  take(step: Receiver[], end: number): void {
    for (let members = 0; this.#next < this.#connections.length; this.#next += 1) {
      const connection = this.#connections[this.#next]!;
      if (connection.delivery === 'own') {
        if (!this.#takeChannels(step, connection, end)) return;
      } else if (connection.delivery === 'group' && connection.sentWork < end) {
        if (step.length >= STEP_RECEIVERS || members >= STEP_MEMBERS) return;
        step.push(connection);
        members += connection.channels.size;
      }
    }
  }

  /** False: the step is full, and the connection may have more. */
  #takeChannels(step: Receiver[], { channels }: Connection, end: number): boolean {
    this.#rest ??= channels[Symbol.iterator]();
    while (step.length < STEP_RECEIVERS) {
      const next = this.#rest.next();
      if (next.done === true) {
        this.#rest = undefined;
        return true;
      }
      if (next.value.sentWork < end) step.push(next.value);
    }
    return false;
  }
}
