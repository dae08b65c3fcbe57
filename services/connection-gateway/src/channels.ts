// A connection's channels: their ids, which are unique on the connection, and what the gateway keeps beside each channel of the pure
// rules. All grouped channels of a connection whose blocks pay the same are in one group, because all of the pool's jobs have the same
// extranonce size.
import type { BatchChannel } from '@sluice/bus/payloads/share-batch';
import type { MiningChannel } from '@sluice/mining/channel';
import type { ExtendedJob } from '@sluice/mining/job';
import type { Vardiff } from '@sluice/mining/vardiff';
import { WorkSum } from '@sluice/mining/work-sum';
import type { ShareAnswerFrames } from '@sluice/server/share-answer-frames';
import type { Connection } from './connection.ts';
import type { Work } from './fan-out.ts';
import type { PaidJobs } from './paid-jobs.ts';
import { type BatchedChannel, BatchPlace } from './share-batcher.ts';

/** The group of every connection for blocks that pay the pool; channels, and groups of other payouts, count from the next id on. */
export const GROUP_CHANNEL_ID = 1;

/** The channels of a connection that have the same jobs. */
export class JobGroup {
  readonly id: number;
  /** `undefined`: blocks pay the pool. */
  readonly paid: PaidJobs | undefined;
  /** Channels, whatever way their jobs reach them. */
  members = 0;
  /** What the group was told last; belongs to the fan-out. */
  told: Work | undefined;

  constructor(id: number, paid: PaidJobs | undefined) {
    this.id = id;
    this.paid = paid;
  }
}

/** What vardiff may do with a channel, as 256-bit targets; `easiest` is also within the miner's max_target. */
export interface TargetBounds {
  readonly hardest: bigint;
  readonly easiest: bigint;
}

export interface ChannelParts extends BatchChannel {
  readonly id: number;
  readonly connection: Connection;
  readonly group: JobGroup;
  readonly mining: MiningChannel;
  readonly vardiff: Vardiff;
  readonly bounds: TargetBounds;
  readonly openedAtMs: number;
  readonly answers: ShareAnswerFrames;
}

export class GatewayChannel implements BatchedChannel {
  readonly id: number;
  readonly connection: Connection;
  /** Unique within the incarnation. */
  readonly channelKey: number;
  /** One of the bus's `channelKinds`. */
  readonly kind: number;
  /** Who is credited, or the address that blocks pay. */
  readonly identity: string;
  readonly worker: string;
  readonly extranoncePrefix: Uint8Array;
  readonly poolPercent: number;
  readonly group: JobGroup;
  readonly mining: MiningChannel;
  readonly vardiff: Vardiff;
  readonly batchPlace = new BatchPlace();
  /** Unix milliseconds. */
  readonly openedAtMs: number;
  bounds: TargetBounds;
  /** How much of the fan-out's work was written here, where each channel has its own; the fan-out's own. */
  sentWork = 0;
  /** Feed number of the last tip written to the channel. */
  tipFeed = 0;
  /** Shares refused. */
  refused = 0;
  /** Nothing more is written for the channel [sv2 5.3.9]; what it has sent is still credited. */
  closed = false;
  readonly #answers: ShareAnswerFrames;
  readonly #acknowledgedWork = new WorkSum();

  constructor(parts: ChannelParts) {
    this.id = parts.id;
    this.connection = parts.connection;
    this.channelKey = parts.channelKey;
    this.kind = parts.kind;
    this.identity = parts.identity;
    this.worker = parts.worker;
    this.extranoncePrefix = parts.extranoncePrefix;
    this.poolPercent = parts.poolPercent;
    this.group = parts.group;
    this.mining = parts.mining;
    this.vardiff = parts.vardiff;
    this.bounds = parts.bounds;
    this.openedAtMs = parts.openedAtMs;
    this.#answers = parts.answers;
  }

  /** One of the pool's jobs with the coinbase of this channel; `undefined`: it has none. */
  jobOf(job: ExtendedJob | undefined): ExtendedJob | undefined {
    const { paid } = this.group;
    return paid === undefined || job === undefined ? job : paid.of(job);
  }

  /** Step 4 of the share's way: the stream has the shares. A connection that is gone by now writes nothing. */
  acknowledge(lastSequenceNumber: number, count: number, work: bigint): void {
    if (this.closed) return;
    this.#acknowledgedWork.add(work);
    this.#answers.success(this.connection.writer, this.id, lastSequenceNumber, count, this.#acknowledgedWork.take());
  }
}

export class ConnectionChannels {
  readonly #channels = new Map<number, GatewayChannel>();
  readonly #poolGroup = new JobGroup(GROUP_CHANNEL_ID, undefined);
  /** Of the other payouts; made when there is one. */
  #paidGroups: Map<PaidJobs, JobGroup> | undefined;
  #lastId = GROUP_CHANNEL_ID;
  /** Channels that the channel-manager is asked about. */
  pending = 0;

  get size(): number {
    return this.#channels.size;
  }

  /** The next id; an id is never used again on the connection. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** The group for a channel of this payout; `undefined`: of the pool's. */
  groupFor(paid: PaidJobs | undefined): JobGroup {
    if (paid === undefined) return this.#poolGroup;
    this.#paidGroups ??= new Map();
    let group = this.#paidGroups.get(paid);
    if (group === undefined) {
      group = new JobGroup(this.nextId(), paid);
      this.#paidGroups.set(paid, group);
    }
    return group;
  }

  add(channel: GatewayChannel): void {
    this.#channels.set(channel.id, channel);
    channel.group.members += 1;
  }

  get(id: number): GatewayChannel | undefined {
    return this.#channels.get(id);
  }

  /** A group's id goes with its last channel: one that opens later is in another group. */
  remove({ id, group }: GatewayChannel): void {
    if (!this.#channels.delete(id)) return;
    group.members -= 1;
    if (group.members === 0 && group.paid !== undefined) this.#paidGroups?.delete(group.paid);
  }

  [Symbol.iterator](): IterableIterator<GatewayChannel> {
    return this.#channels.values();
  }
}
