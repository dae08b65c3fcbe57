// A miner's end of a connection, as text: it sends lines, and hands on every line that comes, in order.
import type { Duplex } from 'node:stream';

const WAIT_MS = 3_000;

export class LineClient {
  readonly socket: Duplex;
  closed = false;
  /** Lines that came and were not taken, without their line feeds. */
  readonly received: string[] = [];
  #rest = '';
  #wake: (() => void) | undefined;

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      this.received.push(...lines);
      this.#wake?.();
    });
    const onClosed = () => {
      this.closed = true;
      this.#wake?.();
    };
    socket.on('error', onClosed);
    socket.on('end', onClosed);
    socket.on('close', onClosed);
  }

  /** Whole lines, in one write. */
  send(...lines: readonly string[]): void {
    this.socket.write(lines.map((line) => `${line}\n`).join(''));
  }

  request(id: number, method: string, ...params: readonly unknown[]): void {
    this.send(JSON.stringify({ id, method, params }));
  }

  /** The next line; fails when none comes. */
  async next(): Promise<string> {
    await this.#until(() => this.received.length > 0 || this.closed);
    const line = this.received.shift();
    if (line === undefined) throw new Error('the connection was closed instead of an answer');
    return line;
  }

  async take(count: number): Promise<readonly string[]> {
    const lines: string[] = [];
    while (lines.length < count) lines.push(await this.next());
    return lines;
  }

  /** Subscribes and is authorized; returns the lines that came, the first work last. */
  async setUp(): Promise<readonly string[]> {
    this.request(1, 'mining.subscribe', 'test/1');
    this.request(2, 'mining.authorize', 'farm.rig', 'x');
    return await this.take(4);
  }

  /** Fails unless the next line to come is the answer to a question that is asked now. */
  async hasNothing(): Promise<void> {
    this.send('{"id":"last","method":"mining.ping"}');
    const line = await this.next();
    if (line !== '{"id":"last","result":"pong","error":null}') throw new Error(`there was something: ${line}`);
  }

  async untilClosed(): Promise<void> {
    await this.#until(() => this.closed);
  }

  async #until(done: () => boolean): Promise<void> {
    const deadline = setTimeout(() => this.#wake?.(), WAIT_MS);
    const end = performance.now() + WAIT_MS;
    while (!done()) {
      if (performance.now() >= end) throw new Error(`nothing came in time; before: ${this.received.join(' ')}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(deadline);
  }
}
