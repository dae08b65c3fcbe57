// How the disk of managed NATS servers is shared out. A server sets the bound of each stream aside, and makes no stream that it has no room for.
import { streams } from '@sluice/bus/streams';
import type { MiningPool } from '../api/v1alpha1.ts';
import { bytesOf } from './quantity.ts';

/** Of an ephemeral volume without a size. */
const DEFAULT_SIZE = '10Gi';
/** The rest is for the file system and for what the server keeps beside records. */
const STORE_FRACTION = 0.9;
/** Buckets have no bound of their own. */
const BUCKETS_BYTES = 268_435_456;

export type ManagedBus = NonNullable<MiningPool['spec']['bus']['managed']>;

export const volumeSize = ({ storage }: Pick<ManagedBus, 'storage'>): string => storage.size ?? DEFAULT_SIZE;

/** What a server may keep on its disk, in bytes. */
export const storeBytes = (bus: Pick<ManagedBus, 'storage'>): number =>
  Math.floor(bytesOf(volumeSize(bus)) * STORE_FRACTION);

/** Settings of who makes the streams of shares and of credits, which have the same part: both are written once a batch. */
export function streamBounds({ managed }: MiningPool['spec']['bus']): {
  readonly natsSharesBytes?: number;
  readonly natsCreditsBytes?: number;
} {
  if (managed === undefined) return {};
  const others = streams.JOBS.maxBytes + streams.SOLUTIONS.maxBytes + BUCKETS_BYTES;
  const each = Math.floor((storeBytes(managed) - others) / 2);
  return { natsSharesBytes: each, natsCreditsBytes: each };
}
