// Where an in-process stream keeps its records: in memory (memory-log.ts) or on disk (file-log.ts).
import type { StreamMessage } from '../bus.ts';

export interface StreamRecord extends StreamMessage {
  /** Empty when the append had none. */
  readonly messageId: string;
}

/** What a log holds when it is opened. */
export interface LogContents {
  readonly lastSequence: number;
  /** Newest sequence of each subject. */
  readonly lastBySubject: ReadonlyMap<string, number>;
  /** Message ids of records stored since `idsSinceMs`. */
  readonly ids: ReadonlyMap<string, { readonly sequence: number; readonly storedAtMs: number }>;
}

export interface StreamLog {
  /** Oldest sequence that can be read; beyond the newest when empty. */
  readonly firstSequence: number;
  readonly bytes: number;
  readonly failed: boolean;
  /** Resolves when the record is stored as well as this log stores; in the order of the calls. */
  append(record: StreamRecord): Promise<void>;
  /** Undefined: dropped, or not there yet. */
  read(sequence: number): Promise<StreamRecord | undefined>;
  /** From where on to look for the first record of `subject` that is not before `sequence`: nothing in between is one. */
  skipTo(subject: string, sequence: number): number;
  /** Forgets the oldest piece: a record or a segment; false: there is none to spare. */
  dropOldest(): Promise<boolean>;
  dropBefore(sequence: number): Promise<void>;
  close(): Promise<void>;
}

/** Bytes that a record counts against its stream's bound. */
export function recordBytes(record: StreamRecord): number {
  return record.payload.length + record.subject.length + record.messageId.length + 32;
}
