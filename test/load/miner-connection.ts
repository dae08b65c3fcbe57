// What the modes know of a connection, whatever it speaks.
import type { LoadChannel } from './channel.ts';

export interface MinerConnection {
  /** Among the connections of this worker. */
  readonly slot: number;
  /** From `open` on. */
  readonly channels: readonly LoadChannel[];
  readonly isOpen: boolean;
  /** Whether what was written waits until the socket has drained. */
  readonly isCongested: boolean;
  /** Leaves what comes to the system, until `resume`. */
  pause(): void;
  resume(): void;
  /** Resolves when each channel has a job to work on; rejects with the reason. */
  open(): Promise<void>;
  /** Resolves when the socket is gone. */
  close(): Promise<void>;
  /** Sends what the channel owes: at once where shares are found at once, else when it is its turn to search. */
  serve(channel: LoadChannel): void;
  /** The channel's turn: one share, if it is found. */
  search(channel: LoadChannel): void;
}
