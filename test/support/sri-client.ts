// The peer's `client` mode as a running process, read event by event.
import { PeerProcess } from './peer-process.ts';

/** One line of its output; which fields there are depends on the event. */
export interface SriEvent {
  readonly event: string;
  /** Of a channel, or of its group. */
  readonly channel?: number;
  readonly group?: number;
  readonly extended?: boolean;
  readonly job?: number;
  readonly future?: boolean;
  /** Hex, wire order. */
  readonly prevHash?: string;
  readonly sequence?: number;
  readonly last?: number;
  readonly count?: number;
  readonly code?: string;
  readonly reason?: string;
}

export class SriClient {
  readonly process: PeerProcess;
  readonly #events: SriEvent[] = [];
  #read = 0;

  constructor(program: string, pool: { readonly address: string; readonly authorityKey: string }, options: string[]) {
    const where = ['--address', pool.address, '--authority', pool.authorityKey];
    this.process = new PeerProcess(program, ['client', ...where, '--timeout', '100', ...options]);
  }

  /** Everything so far, in order. */
  get events(): readonly SriEvent[] {
    for (const line of this.process.lines.slice(this.#read)) {
      this.#read += 1;
      // What the program says outside of its events, a panic for instance, is in the tail of the process.
      if (line.startsWith('{')) this.#events.push(JSON.parse(line));
    }
    return this.#events;
  }

  of(event: string): readonly SriEvent[] {
    return this.events.filter((one) => one.event === event);
  }

  /** Shares acknowledged on a channel. */
  accepted(channel: number): number {
    return this.of('accepted').reduce((sum, { channel: id, count }) => sum + (id === channel ? (count ?? 0) : 0), 0);
  }

  /** Resolves when the program ends by itself: with why it failed, or undefined when it did not. */
  async end(): Promise<string | undefined> {
    const code = await this.process.exit;
    return code === 0 ? undefined : (this.of('failed')[0]?.reason ?? this.process.tail());
  }
}
