// Brings a stream or bucket on the server to the settings of the table: created when absent, changed when that loses nothing.
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { nanos } from '@nats-io/nats-core';
import { BusError } from '../errors.ts';
import { type BucketName, MAX_PAYLOAD_BYTES, type StreamDeclaration, type StreamName, streams } from '../streams.ts';
import { isStreamMissing } from './nats-errors.ts';

type OurConfig = Partial<StreamConfig> & { name: string; subjects: string[] };

export function streamConfig(name: StreamName, replicas: number, maxBytes: number): OurConfig {
  const declaration: StreamDeclaration = streams[name];
  return {
    name,
    subjects: [...declaration.subjects],
    retention: RetentionPolicy.Limits,
    storage: declaration.storage === 'file' ? StorageType.File : StorageType.Memory,
    discard: declaration.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
    max_bytes: maxBytes,
    max_age: 0,
    max_msgs: -1,
    max_msgs_per_subject: declaration.maxPerSubject ?? -1,
    max_msg_size: MAX_PAYLOAD_BYTES,
    duplicate_window: nanos(declaration.duplicateWindowMs),
    num_replicas: replicas,
    allow_direct: false,
  };
}

/** Settings whose difference cannot be mended in place without losing records. */
const fixed = ['retention', 'storage'] as const;
/** Settings that are brought in line. */
const adjustable = [
  'discard',
  'max_bytes',
  'max_age',
  'max_msgs',
  'max_msgs_per_subject',
  'duplicate_window',
  'num_replicas',
] as const;

/** Returns what the server holds afterwards; `bus-stream-mismatch` when that would not keep what we promise. */
export async function ensureStream(manager: JetStreamManager, wanted: OurConfig): Promise<StreamInfo> {
  const present = await manager.streams.info(wanted.name).catch((error: unknown) => {
    if (isStreamMissing(error)) return undefined;
    throw error;
  });
  if (present === undefined) return manager.streams.add(wanted);
  const wrong = fixed.find((key) => present.config[key] !== wanted[key]);
  if (wrong !== undefined) {
    const detail = `${wanted.name} has ${wrong} ${String(present.config[wrong])}, ${String(wanted[wrong])} is needed`;
    throw new BusError('bus-stream-mismatch', detail);
  }
  const subjectsDiffer = wanted.subjects.join() !== present.config.subjects.join();
  if (!subjectsDiffer && adjustable.every((key) => present.config[key] === wanted[key])) return present;
  return manager.streams.update(wanted.name, { ...present.config, ...wanted });
}

/** Opens a bucket, creating it on disk with one value a key. */
export function ensureBucket(jetstream: JetStreamClient, name: BucketName, replicas: number): Promise<KV> {
  return new Kvm(jetstream).create(name, { replicas, storage: StorageType.File, history: 1 });
}
