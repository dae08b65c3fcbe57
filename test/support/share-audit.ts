// Counts both sides at the end of a test: what miners were told, what the durable stream holds, and what was credited. A share is known
// by its channel's extranonce prefix, unique in the pool, and its sequence number, unique on the channel.
import { targetFromBytes, workOfTarget } from '@sluice/bitcoin/target';
import type { Bus, StreamMessage } from '@sluice/bus/bus';
import { CreditBatch } from '@sluice/bus/payloads/credit';
import { ShareBatchReader } from '@sluice/bus/payloads/share-batch';
import type { StreamName } from '@sluice/bus/streams';
import type { LoadRecord } from './share-load.ts';
import { shareStates } from './sv2-channel.ts';

const PAGE = 256;

export interface Sum {
  shares: number;
  work: bigint;
}

export interface StoredShares {
  /** Batches by `incarnation-batch`, each once. */
  readonly batches: ReadonlyMap<string, Sum>;
  /** By `account.worker`, batches counted once. */
  readonly identities: ReadonlyMap<string, Sum>;
  /** By prefix in hex: how often each sequence number stands in the stream, batches counted once. */
  readonly channels: ReadonlyMap<string, Uint8Array>;
  /** Records that repeat a batch: allowed, applied once. */
  readonly repeatedBatches: number;
  readonly total: Sum;
}

export async function readShares(bus: Bus): Promise<StoredShares> {
  const batches = new Map<string, Sum>();
  const identities = new Map<string, Sum>();
  const channels = new Map<string, Uint8Array>();
  const total: Sum = { shares: 0, work: 0n };
  const reader = new ShareBatchReader();
  let repeatedBatches = 0;
  for await (const { payload } of records(bus, 'SHARES')) {
    if (!reader.open(payload)) throw new Error(`a record of SHARES is no batch: ${reader.fault}`);
    const key = `${reader.incarnation}-${reader.batch}`;
    if (batches.has(key)) {
      repeatedBatches += 1;
      continue;
    }
    const sum: Sum = { shares: 0, work: 0n };
    const prefixes = reader.channels.map(({ extranoncePrefix }) => Buffer.from(extranoncePrefix).toString('hex'));
    const owners = reader.channels.map(({ identity, worker }) => sumOf(identities, `${identity}.${worker}`));
    const works = Array.from({ length: reader.targetCount }, (_, at) =>
      workOfTarget(targetFromBytes(reader.target(at))),
    );
    while (reader.next()) {
      count(channels, prefixes[reader.channelIndex] as string, reader.sequenceNumber);
      const work = works[reader.targetIndex] as bigint;
      for (const each of [sum, owners[reader.channelIndex] as Sum, total]) add(each, 1, work);
    }
    if (reader.fault !== undefined) throw new Error(`a batch of SHARES is damaged: ${reader.fault}`);
    batches.set(key, sum);
  }
  return { batches, identities, channels, repeatedBatches, total };
}

function sumOf(sums: Map<string, Sum>, name: string): Sum {
  const sum = sums.get(name) ?? { shares: 0, work: 0n };
  sums.set(name, sum);
  return sum;
}

function add(sum: Sum, shares: number, work: bigint): void {
  sum.shares += shares;
  sum.work += work;
}

function count(channels: Map<string, Uint8Array>, prefix: string, sequence: number): void {
  let counts = channels.get(prefix);
  if (counts === undefined || counts.length <= sequence) {
    const grown = new Uint8Array(Math.max(1_024, sequence * 2));
    if (counts !== undefined) grown.set(counts);
    counts = grown;
    channels.set(prefix, counts);
  }
  counts[sequence] = (counts[sequence] ?? 0) + 1;
}

export interface Credits {
  /** By `incarnation-batch`, the batch being the last that the record is about: the first record of each. */
  readonly batches: ReadonlyMap<string, Sum>;
  /** By `account.worker`, batches counted once. */
  readonly identities: ReadonlyMap<string, Sum>;
  readonly repeatedBatches: number;
  /** Batches of incarnations whose credit is held. */
  readonly held: number;
  readonly findings: readonly string[];
  readonly total: Sum;
}

export async function readCredits(bus: Bus): Promise<Credits> {
  const batches = new Map<string, Sum>();
  const identities = new Map<string, Sum>();
  const findings: string[] = [];
  const total: Sum = { shares: 0, work: 0n };
  let repeatedBatches = 0;
  let held = 0;
  for await (const { subject, payload } of records(bus, 'CREDITS')) {
    if (!subject.startsWith('credit.')) continue;
    const credit = CreditBatch.decode(payload);
    const key = `${credit.incarnation}-${credit.batch}`;
    if (batches.has(key)) {
      repeatedBatches += 1;
      continue;
    }
    const sum: Sum = { shares: 0, work: 0n };
    for (const { identity, worker, shares, work } of credit.credits)
      for (const each of [sum, sumOf(identities, `${identity}.${worker}`), total]) add(each, shares, work);
    batches.set(key, sum);
    if (credit.held) held += 1;
    for (const { kind, detail } of credit.findings) findings.push(`${key}: finding ${kind}: ${detail}`);
  }
  return { batches, identities, repeatedBatches, held, findings, total };
}

/** Batches whose credit is not there yet. */
export function uncredited(stored: Pick<StoredShares, 'batches'>, credits: Pick<Credits, 'batches'>): string[] {
  const recordOf = recordsBy(credits);
  return [...stored.batches.keys()].filter((key) => recordOf(key) === undefined);
}

/** What is stored under the key of the record that credits it, which may be about several batches; what none does under its own. */
export function storedByCredit(
  stored: Pick<StoredShares, 'batches'>,
  credits: Pick<Credits, 'batches'>,
): ReadonlyMap<string, Sum> {
  const recordOf = recordsBy(credits);
  const sums = new Map<string, Sum>();
  for (const [key, { shares, work }] of stored.batches) add(sumOf(sums, recordOf(key) ?? key), shares, work);
  return sums;
}

/** For the key of a batch that of its credit: of the incarnation's records the first that reaches so far. */
function recordsBy({ batches }: Pick<Credits, 'batches'>): (key: string) => string | undefined {
  const ends = new Map<string, number[]>();
  for (const key of batches.keys()) {
    const [incarnation, batch] = partsOf(key);
    const known = ends.get(incarnation);
    if (known === undefined) ends.set(incarnation, [batch]);
    else known.push(batch);
  }
  for (const each of ends.values()) each.sort((a, b) => a - b);
  return (key) => {
    const [incarnation, batch] = partsOf(key);
    const end = ends.get(incarnation)?.find((last) => last >= batch);
    return end === undefined ? undefined : `${incarnation}-${end}`;
  };
}

function partsOf(key: string): readonly [incarnation: string, batch: number] {
  const [incarnation = '', batch] = key.split('-');
  return [incarnation, Number(batch)];
}

/** Keys whose sums are not the same on both sides, or that one side has alone. */
export function differing(ours: ReadonlyMap<string, Sum>, theirs: ReadonlyMap<string, Sum>): string[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])].filter((key) => {
    const [one, other] = [ours.get(key), theirs.get(key)];
    return one?.shares !== other?.shares || one?.work !== other?.work;
  });
}

export interface Comparison {
  /** Acknowledged to a miner and not in the stream: must be none. */
  readonly missing: readonly string[];
  /** More than once in the stream, batches counted once: must be none. */
  readonly doubled: readonly string[];
  /** Refused and in the stream all the same: must be none. */
  readonly refusedButStored: readonly string[];
  /** In the stream without an answer that reached the miner: its connection was lost meanwhile. */
  readonly storedUnanswered: number;
}

/** Holds what the miners know against what the stream holds. */
export function compare(records: readonly LoadRecord[], stored: StoredShares): Comparison {
  const missing: string[] = [];
  const doubled: string[] = [];
  const refusedButStored: string[] = [];
  let storedUnanswered = 0;
  for (const { record } of records) {
    const counts = stored.channels.get(record.prefix);
    for (let sequence = 1; sequence <= record.sent; sequence++) {
      const times = counts?.[sequence] ?? 0;
      const state = record.states[sequence];
      const name = `${record.prefix}/${sequence}`;
      if (times > 1) doubled.push(name);
      if (state === shareStates.accepted && times === 0) missing.push(name);
      if (state === shareStates.refused && times > 0) refusedButStored.push(name);
      if (state === shareStates.sent && times > 0) storedUnanswered += 1;
    }
  }
  return { missing, doubled, refusedButStored, storedUnanswered };
}

export async function* records(bus: Bus, stream: StreamName): AsyncGenerator<StreamMessage> {
  const { firstSequence, lastSequence } = await bus.state(stream);
  for (let next = firstSequence; next <= lastSequence; ) {
    const page = await bus.read(stream, next, PAGE);
    if (page.length === 0) return;
    yield* page;
    next = (page.at(-1)?.sequence ?? lastSequence) + 1;
  }
}
