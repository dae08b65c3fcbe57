// A stream's records in memory, with the newest few of each subject where the stream asks for that.
import { recordBytes, type StreamLog, type StreamRecord } from './stream-log.ts';

export class MemoryLog implements StreamLog {
  readonly failed = false;
  readonly #records = new Map<number, StreamRecord>();
  readonly #bySubject = new Map<string, number[]>();
  readonly #maxPerSubject: number;
  #bytes = 0;
  #lastSequence = 0;

  constructor(maxPerSubject = Number.POSITIVE_INFINITY) {
    this.#maxPerSubject = maxPerSubject;
  }

  get firstSequence(): number {
    return this.#records.keys().next().value ?? this.#lastSequence + 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async append(record: StreamRecord): Promise<void> {
    this.#records.set(record.sequence, record);
    this.#lastSequence = record.sequence;
    this.#bytes += recordBytes(record);
    if (this.#maxPerSubject === Number.POSITIVE_INFINITY) return;
    const ofSubject = this.#bySubject.get(record.subject) ?? [];
    this.#bySubject.set(record.subject, ofSubject);
    ofSubject.push(record.sequence);
    while (ofSubject.length > this.#maxPerSubject) this.#drop(ofSubject.shift() as number);
  }

  async read(sequence: number): Promise<StreamRecord | undefined> {
    return this.#records.get(sequence);
  }

  skipTo(_subject: string, sequence: number): number {
    return sequence;
  }

  async dropOldest(): Promise<boolean> {
    if (this.#records.size === 0) return false;
    this.#drop(this.firstSequence);
    return true;
  }

  async dropBefore(sequence: number): Promise<void> {
    while (this.#records.size > 0 && this.firstSequence < sequence) this.#drop(this.firstSequence);
  }

  async close(): Promise<void> {}

  #drop(sequence: number): void {
    const record = this.#records.get(sequence);
    if (record === undefined) return;
    this.#records.delete(sequence);
    this.#bytes -= recordBytes(record);
  }
}
