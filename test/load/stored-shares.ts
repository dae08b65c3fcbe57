// What the durable stream of a Sluice holds of a run: every batch once, by the extranonce prefixes that our channels were given.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@sluice/bus/bus';
import { connectNatsBus } from '@sluice/bus/nats/nats-bus';
import { ShareBatchReader } from '@sluice/bus/payloads/share-batch';

const PAGE = 256;
/** The bus itself would wait for ever. */
const CONNECT_MS = 10_000;

export interface StoredShares {
  readonly stored: number;
  /** Sequence numbers of a channel that stand there more than once. */
  readonly doubled: number;
  /** Channels whose count is not what was acknowledged. */
  readonly differing: number;
  /** Shares of other miners. */
  readonly foreign: number;
  readonly batches: number;
}

export class ShareStream {
  readonly #bus: Bus;
  readonly #before: number;

  private constructor(bus: Bus, before: number) {
    this.#bus = bus;
    this.#before = before;
  }

  /** Call it before the first share is sent. Rejects when no server answers. */
  static async open(servers: readonly URL[]): Promise<ShareStream> {
    const names = servers.map(({ href }) => href.replace(/\/$/, ''));
    const silence = sleep(CONNECT_MS, undefined, { ref: false }).then(() => {
      throw new Error(`no NATS server has answered in ${CONNECT_MS / 1_000} s: ${names.join(', ')}`);
    });
    const bus = await Promise.race([connectNatsBus({ name: 'load', servers: names }), silence]);
    const { lastSequence } = await bus.state('SHARES');
    return new ShareStream(bus, lastSequence);
  }

  /** `acknowledged` by extranonce prefix, in hexadecimal. */
  async compare(acknowledged: ReadonlyMap<string, number>): Promise<StoredShares> {
    const batches = new Set<string>();
    const channels = new Map<string, ChannelTally>();
    let foreign = 0;
    const reader = new ShareBatchReader();
    for await (const payload of this.#payloads()) {
      if (!reader.open(payload)) throw new Error(`a record of SHARES is no batch: ${reader.fault}`);
      const batch = `${reader.incarnation}-${reader.batch}`;
      // A batch may be repeated, and counts once.
      if (batches.has(batch)) continue;
      batches.add(batch);
      const tallies = reader.channels.map(({ extranoncePrefix }) => {
        const prefix = Buffer.from(extranoncePrefix).toString('hex');
        return acknowledged.has(prefix) ? tallyOf(channels, prefix) : undefined;
      });
      while (reader.next()) {
        const tally = tallies[reader.channelIndex];
        if (tally === undefined) foreign += 1;
        else tally.add(reader.sequenceNumber);
      }
      if (reader.fault !== undefined) throw new Error(`a batch of SHARES is damaged: ${reader.fault}`);
    }
    const sum = { stored: 0, doubled: 0, differing: 0 };
    for (const [prefix, count] of acknowledged) {
      const { stored = 0, doubled = 0 } = channels.get(prefix) ?? {};
      sum.stored += stored;
      sum.doubled += doubled;
      if (stored !== count) sum.differing += 1;
    }
    return { ...sum, foreign, batches: batches.size };
  }

  async *#payloads(): AsyncGenerator<Uint8Array> {
    const { firstSequence, lastSequence } = await this.#bus.state('SHARES');
    for (let next = Math.max(firstSequence, this.#before + 1); next <= lastSequence; ) {
      const page = await this.#bus.read('SHARES', next, PAGE);
      if (page.length === 0) return;
      for (const { payload } of page) yield payload;
      next = (page.at(-1)?.sequence ?? lastSequence) + 1;
    }
  }

  close(): Promise<void> {
    return this.#bus.close();
  }
}

class ChannelTally {
  stored = 0;
  doubled = 0;
  /** By sequence number. */
  #seen = new Uint8Array(1_024);

  add(sequence: number): void {
    if (sequence >= this.#seen.length) {
      const grown = new Uint8Array(sequence * 2);
      grown.set(this.#seen);
      this.#seen = grown;
    }
    if (this.#seen[sequence] === 1) this.doubled += 1;
    this.#seen[sequence] = 1;
    this.stored += 1;
  }
}

function tallyOf(channels: Map<string, ChannelTally>, prefix: string): ChannelTally {
  let tally = channels.get(prefix);
  if (tally === undefined) {
    tally = new ChannelTally();
    channels.set(prefix, tally);
  }
  return tally;
}
