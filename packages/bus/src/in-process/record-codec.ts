// The body of a stream's record on disk.
import { ByteReader, ByteWriter } from '../byte-cursor.ts';
import { BusError } from '../errors.ts';
import type { StreamRecord } from './stream-log.ts';

const RECORD_VERSION = 1;

export function encodeRecord(record: StreamRecord): Uint8Array {
  const out = new ByteWriter();
  out.u8(RECORD_VERSION);
  out.u48(record.sequence);
  out.u48(record.storedAtMs);
  out.text(record.subject);
  out.text(record.messageId);
  out.raw(record.payload);
  return out.finish();
}

export function decodeRecord(body: Uint8Array): StreamRecord {
  const input = new ByteReader(body);
  const version = input.u8();
  if (version !== RECORD_VERSION) throw new BusError('bus-storage-failed', `a record of version ${version}`);
  const sequence = input.u48();
  const storedAtMs = input.u48();
  const subject = input.text();
  const messageId = input.text();
  return { sequence, storedAtMs, subject, messageId, payload: input.raw(input.remaining) };
}
