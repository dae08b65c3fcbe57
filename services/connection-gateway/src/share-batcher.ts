// Step 3 of the share's way: accepted shares are collected into numbered batches and appended to the gateway's own subject, one
// append at a time. A batch that was not acknowledged is sent again, the same bytes under the same number, for as long as it takes.
import type { Bus, Subscription } from '@sluice/bus/bus';
import { isBusError } from '@sluice/bus/errors';
import { type BatchChannel, ShareBatchWriter } from '@sluice/bus/payloads/share-batch';
import { subjectName } from '@sluice/bus/subjects';
import type { ShareTarget } from '@sluice/mining/share-target';
import { messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import { OutageLog } from '@sluice/runtime/outage-log';
import type { GatewayLimits } from './limits.ts';
import { type AcknowledgedChannel, ShareAcks } from './share-acks.ts';

/** With so many shares a batch is worth its append: it does not wait for the window. */
const SHARES_WORTH_AN_APPEND = 256;
const RETRY_FIRST_MS = 20;
const RETRY_LONGEST_MS = 1_000;

/** Where a channel stands in the open batch; belongs to the batcher. */
export class BatchPlace {
  /** Number of the batch that the indices are for. */
  batch = 0;
  channelIndex = 0;
  ackIndex = 0;
  target: ShareTarget | undefined;
  targetIndex = 0;
}

export interface BatchedChannel extends BatchChannel, AcknowledgedChannel {
  readonly batchPlace: BatchPlace;
}

interface HeldBatch {
  readonly number: number;
  readonly payload: Uint8Array;
  readonly acks: ShareAcks;
  readonly shares: number;
}

export interface ShareBatcherCounters {
  sharesStored: number;
  batchesStored: number;
  appendRetries: number;
}

export interface ShareBatcherModules {
  readonly bus: Bus;
  readonly log: Logger;
  readonly counters: ShareBatcherCounters;
  /** Seconds from the first sending of a batch to its acknowledgement. */
  observeAppend(seconds: number): void;
}

export class ShareBatcher {
  readonly #incarnation: bigint;
  readonly #subject: string;
  readonly #limits: GatewayLimits;
  readonly #modules: ShareBatcherModules;
  readonly #writer = new ShareBatchWriter();
  readonly #statusSubscription: Subscription;
  /** Complete batches, oldest first; the first is in flight. */
  readonly #held: HeldBatch[] = [];
  readonly #freeAcks: ShareAcks[] = [];
  readonly #targetIndices = new Map<ShareTarget, number>();
  /** Table entries of workers that a proxy named behind its own channel. */
  readonly #workerIndices = new Map<string, number>();
  #heldBytes = 0;
  #batch = 0;
  #acks = new ShareAcks();
  #window: NodeJS.Timeout | undefined;
  #appending = false;
  #retry: NodeJS.Timeout | undefined;
  #wakeRetry: (() => void) | undefined;
  #closed = false;
  /** Whether the last append has failed. */
  readonly #outage = new OutageLog(() => performance.now());
  #failing = false;
  /** Who waits for a batch, by its number, oldest first. */
  #waiters: { readonly batch: number; readonly resolve: () => void }[] = [];

  constructor(incarnation: bigint, limits: GatewayLimits, modules: ShareBatcherModules) {
    this.#incarnation = incarnation;
    this.#subject = subjectName('shares', incarnation);
    this.#limits = limits;
    this.#modules = modules;
    this.#statusSubscription = modules.bus.onStatus((status) => {
      if (status === 'up') this.#wakeRetry?.();
    });
    this.#startBatch();
  }

  /** No room: shares are to be answered with `share-not-stored`. */
  get full(): boolean {
    return this.bytes >= this.#limits.heldShareBytes;
  }

  /** Bytes of shares that the stream has not acknowledged. */
  get bytes(): number {
    return this.#heldBytes + this.#writer.byteLength;
  }

  /** Whether a batch has failed and waits for the stream to be back. */
  get stalled(): boolean {
    return this.#failing;
  }

  /**
   * Takes an accepted share. `worker` differs from the channel's own where a proxy names one. The extranonce that the miner rolled
   * is read from `source` at `offset`.
   */
  add(
    channel: BatchedChannel,
    worker: string,
    target: ShareTarget,
    jobId: number,
    nonce: number,
    ntime: number,
    version: number,
    sequenceNumber: number,
    tipFeed: number,
    receivedAtMs: number,
    source: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const place = channel.batchPlace;
    for (;;) {
      const channelIndex = this.#channelIndex(channel, worker, target);
      const targetIndex = channelIndex < 0 ? -1 : this.#targetIndex(place, target);
      if (
        targetIndex >= 0 &&
        this.#writer.addShare(
          channelIndex,
          targetIndex,
          jobId,
          nonce,
          ntime,
          version,
          sequenceNumber,
          tipFeed,
          receivedAtMs,
          source,
          offset,
          length,
        )
      )
        break;
      this.#closeBatch();
    }
    this.#acks.add(place.ackIndex, sequenceNumber, target);
    this.#schedule();
  }

  /** Sends what is open; resolves when all that was taken until now is acknowledged, or after `deadlineMs` with `false`. */
  flush(deadlineMs: number): Promise<boolean> {
    // Beside an append it goes behind that one: a batch for each call would be an append for each call.
    if (this.#writer.shareCount > 0 && !this.#appending) this.#closeBatch();
    this.#sendNow();
    const batch = this.#writer.shareCount > 0 ? this.#batch : this.#held.at(-1)?.number;
    if (batch === undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter = {
        batch,
        resolve: () => {
          clearTimeout(timer);
          resolve(true);
        },
      };
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((waiting) => waiting !== waiter);
        resolve(false);
      }, deadlineMs);
      this.#waiters.push(waiter);
    });
  }

  close(): void {
    this.#closed = true;
    this.#statusSubscription.close();
    clearTimeout(this.#window);
    this.#wakeRetry?.();
  }

  #startBatch(): void {
    this.#batch += 1;
    this.#writer.start(this.#incarnation, BigInt(this.#batch));
    this.#targetIndices.clear();
    this.#workerIndices.clear();
  }

  /** Index in the table of the open batch, or -1: it is full. */
  #channelIndex(channel: BatchedChannel, worker: string, target: ShareTarget): number {
    const place = channel.batchPlace;
    if (place.batch !== this.#batch) {
      const index = this.#writer.addChannel(channel);
      if (index < 0) return -1;
      place.batch = this.#batch;
      place.channelIndex = index;
      place.ackIndex = this.#acks.open(channel, target);
      place.target = undefined;
    }
    return worker === channel.worker ? place.channelIndex : this.#workerIndex(channel, worker);
  }

  #workerIndex(channel: BatchedChannel, worker: string): number {
    const key = `${channel.channelKey} ${worker}`;
    const known = this.#workerIndices.get(key);
    if (known !== undefined) return known;
    const { channelKey, kind, identity, extranoncePrefix, poolPercent } = channel;
    const index = this.#writer.addChannel({ channelKey, kind, identity, worker, extranoncePrefix, poolPercent });
    if (index >= 0) this.#workerIndices.set(key, index);
    return index;
  }

  #targetIndex(place: BatchPlace, target: ShareTarget): number {
    if (place.target === target) return place.targetIndex;
    const index = this.#targetIndices.get(target) ?? this.#writer.addTarget(target.bytes);
    if (index < 0) return -1;
    this.#targetIndices.set(target, index);
    place.target = target;
    place.targetIndex = index;
    return index;
  }

  /** Decides when the open batch goes: at once if it is worth it, else when its window ends; never beside another append. */
  #schedule(): void {
    if (this.#appending) return;
    if (this.#writer.shareCount >= SHARES_WORTH_AN_APPEND) this.#sendNow();
    else this.#window ??= setTimeout(() => this.#sendNow(), this.#limits.shareWindowMs);
  }

  #sendNow(): void {
    clearTimeout(this.#window);
    this.#window = undefined;
    if (this.#closed) return;
    if (this.#writer.shareCount > 0 && !this.#appending) this.#closeBatch();
    if (!this.#appending && this.#held.length > 0)
      this.#appendHeld().catch((error: unknown) =>
        this.#modules.log.error({ reason: messageOf(error) }, 'stored shares could not be acknowledged'),
      );
  }

  /** The open batch is complete: it waits for its turn, and the next number begins. */
  #closeBatch(): void {
    const payload = this.#writer.finish();
    const shares = this.#writer.shareCount;
    this.#held.push({ number: this.#batch, payload, acks: this.#acks, shares });
    this.#heldBytes += payload.length;
    this.#acks = this.#freeAcks.pop() ?? new ShareAcks();
    this.#startBatch();
  }

  /** Appends complete batches one after the other until none is left. */
  async #appendHeld(): Promise<void> {
    this.#appending = true;
    try {
      for (let batch = this.#held[0]; batch !== undefined && !this.#closed; batch = this.#held[0]) {
        if (!(await this.#append(batch))) break;
        this.#held.shift();
        this.#stored(batch);
        if (this.#held.length === 0 && this.#writer.shareCount >= SHARES_WORTH_AN_APPEND) this.#closeBatch();
      }
    } finally {
      this.#appending = false;
      if (this.#held.length > 0) this.#sendNow();
      else if (this.#writer.shareCount > 0) this.#schedule();
    }
  }

  #stored({ number, payload, acks, shares }: HeldBatch): void {
    this.#heldBytes -= payload.length;
    this.#modules.counters.batchesStored += 1;
    this.#modules.counters.sharesStored += shares;
    acks.deliver();
    this.#freeAcks.push(acks);
    while (this.#waiters[0] !== undefined && this.#waiters[0].batch <= number) this.#waiters.shift()?.resolve();
  }

  /** Resolves with true when the stream has the batch, with false when the batcher was closed before. */
  async #append({ number, payload }: HeldBatch): Promise<boolean> {
    const { bus, log, counters, observeAppend } = this.#modules;
    const startedAt = performance.now();
    const messageId = `${this.#incarnation}-${number}`;
    for (let delayMs = RETRY_FIRST_MS; !this.#closed; delayMs = Math.min(RETRY_LONGEST_MS, delayMs * 2)) {
      try {
        await bus.append('SHARES', this.#subject, payload, { messageId, timeoutMs: this.#limits.appendTimeoutMs });
        observeAppend((performance.now() - startedAt) / 1_000);
        this.#failing = false;
        this.#outage.over();
        return true;
      } catch (error) {
        counters.appendRetries += 1;
        this.#failing = true;
        const full = isBusError(error, 'bus-stream-full');
        log[this.#outage.level()]({ batch: number, reason: messageOf(error), full }, 'shares are not stored yet');
        await this.#pause(delayMs);
      }
    }
    return false;
  }

  /** Resolves after `ms`, when the bus is back, or when the batcher is closed. */
  #pause(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wakeRetry = () => {
        clearTimeout(this.#retry);
        this.#wakeRetry = undefined;
        resolve();
      };
      this.#retry = setTimeout(this.#wakeRetry, ms);
    });
  }
}
