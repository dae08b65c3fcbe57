// Streams and key-value buckets: what each keeps, where, and what happens at its bound. Both transports create them from this table.

import { BusError } from './errors.ts';
import { isSubject, subjectMatches } from './subject-match.ts';
import type { ServiceName } from './subjects.ts';

export interface StreamDeclaration {
  /** Subjects whose records it keeps. */
  readonly subjects: readonly string[];
  /** `file` survives a restart of the server; `memory` is filled again by its publishers. */
  readonly storage: 'file' | 'memory';
  /** At the bound: `new` refuses the append, `old` forgets the oldest record. */
  readonly discard: 'new' | 'old';
  /** Default bound; an operator may set another for the installation. */
  readonly maxBytes: number;
  /** Newest records kept of each subject; absent: all. */
  readonly maxPerSubject?: number;
  /** How long a message id is remembered. */
  readonly duplicateWindowMs: number;
  /** Who makes, changes and trims it where each service has a user of its own; without users the first that needs it makes it. */
  readonly creator: ServiceName;
  readonly doc: string;
}

const MiB = 1_048_576;
const GiB = 1_024 * MiB;

export const streams = {
  TEMPLATES: {
    subjects: ['tip.*', 'template.*'],
    storage: 'memory',
    discard: 'old',
    maxBytes: 64 * MiB,
    maxPerSubject: 16,
    duplicateWindowMs: 120_000,
    creator: 'template-provider',
    doc: 'The last tips and templates of each provider, for a job-distributor that starts.',
  },
  JOBS: {
    subjects: ['jobs'],
    storage: 'file',
    discard: 'old',
    maxBytes: 512 * MiB,
    duplicateWindowMs: 120_000,
    creator: 'job-distributor',
    doc: 'The feed: every job and every activation in one total order. On disk, because a share that waits in its stream can only be judged with its job.',
  },
  SHARES: {
    subjects: ['shares.*'],
    storage: 'file',
    discard: 'new',
    maxBytes: 16 * GiB,
    duplicateWindowMs: 600_000,
    creator: 'share-validator',
    doc: 'Batches of shares as the gateways accepted them; what is acknowledged to a miner is in here.',
  },
  CREDITS: {
    subjects: ['credit.*', 'findings.*'],
    storage: 'file',
    discard: 'new',
    maxBytes: 16 * GiB,
    duplicateWindowMs: 600_000,
    creator: 'share-validator',
    doc: 'Credited work and findings of the share-validators, keyed by incarnation and batch.',
  },
  SOLUTIONS: {
    subjects: ['solution', 'solution.result'],
    storage: 'file',
    discard: 'new',
    maxBytes: 4 * GiB,
    duplicateWindowMs: 600_000,
    creator: 'template-provider',
    doc: 'Block candidates with their whole coinbase, and what each node answered.',
  },
} as const satisfies Record<string, StreamDeclaration>;

export type StreamName = keyof typeof streams;

/** Throws `bus-bad-subject` unless a record under `subject` belongs into the stream. */
export function checkSubjectOf({ subjects }: StreamDeclaration, subject: string): void {
  if (isSubject(subject) && subjects.some((pattern) => subjectMatches(pattern, subject))) return;
  throw new BusError('bus-bad-subject', `"${subject}" is none of ${subjects.join(', ')}`);
}

export const streamNames = Object.keys(streams) as StreamName[];

/** Share of `maxBytes` from which a stream that discards new records raises its alarm. */
export const STREAM_ALARM_FRACTION = 0.7;

export interface BucketDeclaration {
  /** Who reads and writes it; whichever of them is first makes it. */
  readonly users: readonly ServiceName[];
  readonly doc: string;
}

export const buckets = {
  extranonce: {
    users: ['channel-manager'],
    doc: 'The counter of extranonce ranges, one value per gateway incarnation, never given twice.',
  },
  channels: { users: ['channel-manager'], doc: 'The registry of open channels.' },
  leases: {
    users: ['job-distributor', 'share-validator', 'channel-manager'],
    doc: 'Who leads or works what: see lease.ts.',
  },
} as const satisfies Record<string, BucketDeclaration>;

export type BucketName = keyof typeof buckets;
export const bucketNames = Object.keys(buckets) as BucketName[];

/** Largest payload of one message on either transport: the default of nats-server. */
export const MAX_PAYLOAD_BYTES = MiB;
