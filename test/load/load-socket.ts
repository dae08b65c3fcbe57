// The socket of one connection, from the call of `connect` to its end, and why it ended.
import { connect, type Socket } from 'node:net';
import { messageOf as reasonOf } from '@sluice/runtime/errors';
import type { Kit } from './kit.ts';
import type { PoolAddress } from './pool-address.ts';

const CLOSED_BY_POOL = 'closed by the pool';

export class LoadSocket {
  readonly pool: PoolAddress;
  /** Whether it is set up: from `opened` to its end. */
  isOpen = false;
  readonly #kit: Kit;
  readonly #index: number;
  #socket: Socket | undefined;
  #opened: (() => void) | undefined;
  #closing = false;
  #endReason = CLOSED_BY_POOL;

  /** @param index of the connection among all of the run: pools and local addresses are taken in turn. */
  constructor(index: number, kit: Kit) {
    const { pools } = kit.plan;
    this.pool = pools[index % pools.length]!;
    this.#index = index;
    this.#kit = kit;
  }

  /** Resolves when `opened` is called; rejects with the reason when it ends before. `read` gets bytes that are good during the call only. */
  open(connected: () => void, read: (bytes: Uint8Array) => void): Promise<void> {
    const { plan, input } = this.#kit;
    const localAddress = plan.localAddresses[this.#index % plan.localAddresses.length];
    this.#closing = false;
    this.#endReason = CLOSED_BY_POOL;
    return new Promise((resolve, reject) => {
      this.#opened = resolve;
      const socket = connect({
        host: this.pool.host,
        port: this.pool.port,
        noDelay: true,
        ...(localAddress === undefined ? {} : { localAddress }),
        onread: {
          buffer: input,
          callback: (length) => {
            read(input.subarray(0, length));
            return true;
          },
        },
      });
      this.#socket = socket;
      socket.on('connect', connected);
      socket.on('error', (error) => {
        this.#endReason = reasonOf(error);
      });
      socket.on('close', () => {
        const wasOpen = this.isOpen;
        this.isOpen = false;
        if (!wasOpen) reject(new Error(this.#endReason));
        else if (!this.#closing) {
          const { lost } = this.#kit;
          lost.set(this.#endReason, (lost.get(this.#endReason) ?? 0) + 1);
        }
      });
    });
  }

  /** It is set up. */
  opened(): void {
    this.isOpen = true;
    this.#opened?.();
  }

  /** Resolves when the socket is gone. */
  close(): Promise<void> {
    this.#closing = true;
    const socket = this.#socket;
    if (socket === undefined || socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      socket.once('close', () => resolve());
      socket.destroy();
    });
  }

  /** Whether what was written waits until the socket has drained. */
  get isCongested(): boolean {
    return this.#socket?.writableNeedDrain ?? true;
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  end(reason: string): void {
    this.#endReason = reason;
    this.#socket?.destroy();
  }

  write(bytes: Uint8Array | string): void {
    this.#socket?.write(bytes);
  }

  /** Writes what stands at the beginning of the output that all connections share. */
  writeOutput(length: number): void {
    const kit = this.#kit;
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.write(kit.output.subarray(0, length));
    // What the system has not taken yet is still read from this memory.
    if (socket.writableLength > 0) kit.newOutput();
  }
}
