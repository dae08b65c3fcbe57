// Brings a stream or bucket on the server to the settings of the table: created when absent, changed when that loses nothing. Processes
// may be given different bounds and numbers of copies; the largest holds, and to make a stream smaller is for people. Who may not
// make streams waits for who may, and takes what that one has made.
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

type OurConfig = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects' | 'max_bytes' | 'num_replicas'>;

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
const adjustable = ['discard', 'max_age', 'max_msgs', 'max_msgs_per_subject', 'duplicate_window'] as const;
/** Settings that are raised, never lowered: another process, or a person, has asked for more. */
const raisable = ['max_bytes', 'num_replicas'] as const;

/** What the server holds afterwards, and the settings in which it holds more than was wanted. */
export interface EnsuredStream {
  readonly info: StreamInfo;
  readonly larger: readonly (typeof raisable)[number][];
}

/**
 * Rejects with `bus-stream-mismatch` when what is there would not keep what we promise.
 * @param mayMake false: rejects as the server did where there is none, and changes nothing
 */
export async function ensureStream(
  manager: JetStreamManager,
  wanted: OurConfig,
  mayMake: boolean,
): Promise<EnsuredStream> {
  const present = await manager.streams.info(wanted.name).catch((error: unknown) => {
    if (isStreamMissing(error) && mayMake) return undefined;
    throw error;
  });
  if (present === undefined) return { info: await manager.streams.add(wanted), larger: [] };
  const wrong = fixed.find((key) => present.config[key] !== wanted[key]);
  if (wrong !== undefined) {
    const detail = `${wanted.name} has ${wrong} ${String(present.config[wrong])}, ${String(wanted[wrong])} is needed`;
    throw new BusError('bus-stream-mismatch', detail);
  }
  if (!mayMake) return { info: present, larger: [] };
  const larger = raisable.filter((key) => amount(present.config[key]) > amount(wanted[key]));
  const kept = Object.fromEntries(larger.map((key) => [key, present.config[key]]));
  const merged = { ...present.config, ...wanted, ...kept };
  const same =
    wanted.subjects.join() === present.config.subjects.join() &&
    [...adjustable, ...raisable].every((key) => present.config[key] === merged[key]);
  return { info: same ? present : await manager.streams.update(wanted.name, merged), larger };
}

/** The server writes "without bound" as -1. */
function amount(value: number): number {
  return value < 0 ? Number.POSITIVE_INFINITY : value;
}

/** Opens a bucket, creating it on disk with one value a key; copies are added where there are fewer, never taken away. */
export async function ensureBucket(
  jetstream: JetStreamClient,
  manager: JetStreamManager,
  name: BucketName,
  replicas: number,
): Promise<{ readonly bucket: KV; readonly info: StreamInfo }> {
  // Reading from any copy would give values that have been replaced already: the leader alone is asked.
  const options = { replicas, storage: StorageType.File, history: 1, allow_direct: false };
  const kvm = new Kvm(jetstream);
  const bucket = await kvm.create(name, options);
  const info = await manager.streams.info(`KV_${name}`);
  const wanted = { num_replicas: Math.max(replicas, info.config.num_replicas), allow_direct: false };
  if (info.config.num_replicas === wanted.num_replicas && !info.config.allow_direct) return { bucket, info };
  const updated = await manager.streams.update(info.config.name, { ...info.config, ...wanted });
  return { bucket: await kvm.open(name), info: updated };
}
