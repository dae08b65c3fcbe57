// Miners under test: N connections that send shares at a steady total rate, come back when their own gateway has died, and keep the
// record of every share for the end, when both sides are counted.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelRecord, Sv2Channel } from './sv2-channel.ts';
import { Sv2Client } from './sv2-client.ts';

const TICK_MS = 5;
const RECONNECT_MS = 250;
const LATENCY_BUCKETS_MS = 20_000;

export interface ShareLoadOptions {
  /** Ports of the gateways; connection i mines at port i modulo their number. */
  readonly ports: readonly number[];
  readonly authorityKey: string;
  readonly connections: number;
  /** Of all connections together. Where a share takes more than 100,000 hashes, it is tried so often. */
  readonly sharesPerSecond: number;
  /** Where each share is a block, as on regtest without an easier difficulty, there are no others. Default: without blocks. */
  readonly wanted?: 'share-no-block' | 'share';
}

interface Miner {
  readonly index: number;
  readonly port: number;
  client: Sv2Client | undefined;
  channel: Sv2Channel | undefined;
}

/** A connection that ended, and how. */
export interface Loss {
  readonly port: number;
  readonly at: number;
  readonly reason: string;
}

export interface LoadRecord {
  readonly record: ChannelRecord;
  /** Of its gateway. */
  readonly port: number;
}

export class ShareLoad {
  /** Of every channel that was ever opened. */
  readonly records: LoadRecord[] = [];
  readonly losses: Loss[] = [];
  /** Milliseconds from sending to acknowledgement: count by whole milliseconds. */
  readonly latencies = new Uint32Array(LATENCY_BUCKETS_MS + 1);
  readonly #options: ShareLoadOptions;
  readonly #miners: Miner[];
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #due = 0;
  #cursor = 0;
  #lastTick = 0;

  constructor(options: ShareLoadOptions) {
    this.#options = options;
    const { ports, connections } = options;
    this.#miners = Array.from({ length: connections }, (_, index) => ({
      index,
      port: ports[index % ports.length] as number,
      client: undefined,
      channel: undefined,
    }));
  }

  /** Opens every connection, then begins to send. */
  async start(): Promise<void> {
    for (const miner of this.#miners) await this.#open(miner);
    this.#lastTick = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Connections that can send shares now. */
  get open(): number {
    return this.#miners.filter(({ client, channel }) => client?.isOpen === true && channel !== undefined).length;
  }

  /**
   * Resolves with the milliseconds from `since` (as of `performance.now()`) until every connection has an acknowledgement of a share
   * that it sent after that; rejects after `timeoutMs`.
   */
  async acknowledgedSince(since: number, timeoutMs: number): Promise<number> {
    for (;;) {
      const behind = this.#miners.filter(({ channel }) => (channel?.acknowledgedUpTo ?? 0) < since);
      if (behind.length === 0) return performance.now() - since;
      if (performance.now() - since > timeoutMs)
        throw new Error(
          `${behind.length} of ${this.#miners.length} connections have no acknowledgement ${timeoutMs} ms after ${describe(behind)}`,
        );
      await sleep(5);
    }
  }

  /** Sends no more; resolves when everything sent is answered, or after `timeoutMs`. */
  async finish(timeoutMs: number): Promise<void> {
    clearInterval(this.#timer);
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline && this.#miners.some(({ channel }) => (channel?.waiting ?? 0) > 0))
      await sleep(20);
  }

  async close(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.all(this.#miners.map(({ client }) => client?.close()));
  }

  /** The latency below which a share of all acknowledged ones lies, in milliseconds. */
  latency(quantile: number): number {
    const total = this.latencies.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (const [ms, count] of this.latencies.entries()) {
      seen += count;
      if (seen >= total * quantile) return ms;
    }
    return LATENCY_BUCKETS_MS;
  }

  async #open(miner: Miner): Promise<void> {
    const { port, index } = miner;
    const client = await Sv2Client.connect({
      port,
      authorityKey: this.#options.authorityKey,
      standardJobsOnly: index % 2 === 0,
      onAcknowledged: (ms) => {
        const bucket = Math.min(LATENCY_BUCKETS_MS, Math.round(ms));
        this.latencies[bucket] = (this.latencies[bucket] ?? 0) + 1;
      },
    });
    const identity = `account-${index % 7}.worker-${index}`;
    const hashRate = this.#options.sharesPerSecond / this.#options.connections;
    // Half of them take standard jobs only; of the others two thirds are extended channels and one is a standard channel in a group.
    const open = index % 2 === 1 && index % 3 !== 0 ? client.openExtended : client.openStandard;
    const channel = await open.call(client, { identity, hashRate });
    this.records.push({ record: channel.record, port });
    miner.client = client;
    miner.channel = channel;
    void client.closed.then((reason) => {
      if (this.#stopped) return;
      miner.channel = undefined;
      this.losses.push({ port, at: performance.now(), reason });
      void this.#reopen(miner);
    });
  }

  async #reopen(miner: Miner): Promise<void> {
    while (!this.#stopped) {
      await sleep(RECONNECT_MS);
      try {
        return await this.#open(miner);
      } catch {
        // The gateway is not back yet.
      }
    }
  }

  #tick(): void {
    const now = performance.now();
    this.#due += ((now - this.#lastTick) / 1_000) * this.#options.sharesPerSecond;
    this.#lastTick = now;
    // What this process itself was too late for is not made up for in one burst.
    this.#due = Math.min(this.#due, this.#options.sharesPerSecond / 10);
    for (; this.#due >= 1; this.#due -= 1) this.#sendNext();
  }

  #sendNext(): void {
    // The rate is kept when some are away: the others send more.
    for (let tries = 0; tries < this.#miners.length; tries++) {
      const { client, channel } = this.#miners[this.#cursor++ % this.#miners.length] as Miner;
      if (client?.isOpen !== true || channel?.job === undefined) continue;
      const share = channel.find(this.#options.wanted ?? 'share-no-block', 100_000);
      if (share !== undefined) client.submit(channel, share);
      return;
    }
  }
}

export interface LoadTotals {
  readonly sent: number;
  readonly accepted: number;
  readonly refused: ReadonlyMap<string, number>;
  readonly overtaken: number;
  readonly unanswered: number;
  readonly faults: readonly string[];
}

/** Adds up records: all of them, or those of connections that lived to the end. */
export function totals(records: readonly LoadRecord[]): LoadTotals {
  const refused = new Map<string, number>();
  const sum = { sent: 0, accepted: 0, overtaken: 0, unanswered: 0 };
  const faults: string[] = [];
  for (const { record } of records) {
    sum.sent += record.sent;
    sum.accepted += record.accepted;
    sum.overtaken += record.overtaken;
    sum.unanswered += record.unanswered;
    for (const [code, count] of record.refused) refused.set(code, (refused.get(code) ?? 0) + count);
    faults.push(...record.faults);
  }
  return { ...sum, refused, faults };
}

function describe(miners: readonly Miner[]): string {
  return miners
    .slice(0, 5)
    .map(({ index, client, channel }) => `#${index} (open ${client?.isOpen}, waiting ${channel?.waiting})`)
    .join(', ');
}
