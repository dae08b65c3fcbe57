// The counter from which every start of a gateway gets a number of its own. Compare-and-set over the replicas; a number that was
// given is gone, whether it was used or not: nothing is ever taken back.

import type { Bus, Kv } from '@sluice/bus/bus';
import { BusError } from '@sluice/bus/errors';
import { lastToken, subjectPattern } from '@sluice/bus/subjects';
import { LAST_EXTRANONCE_RANGE } from '@sluice/mining/extranonce';

const KEY = 'range';
/** Replicas that ask at the same moment: each round one of them wins. */
const ATTEMPTS = 100;

export interface TakenRange {
  readonly range: number;
  /** The counter was behind what the streams show: its bucket was lost, or is older than they are. */
  readonly wasBehind: boolean;
}

/** The next range, or `undefined` when all 2^32 - 1 are given. @throws BusError when the bus cannot tell. */
export async function takeRange(kv: Kv, bus: Bus): Promise<TakenRange | undefined> {
  const used = await highestUsedRange(bus);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const entry = await kv.get(KEY);
    const last = entry === undefined ? 0 : decode(entry.value);
    const range = Math.max(last, used) + 1;
    if (range > LAST_EXTRANONCE_RANGE) return undefined;
    try {
      if (entry === undefined) await kv.create(KEY, encode(range));
      else await kv.update(KEY, encode(range), entry.revision);
      return { range, wasBehind: last < used };
    } catch (error) {
      if (!(error instanceof BusError) || error.code !== 'bus-revision-conflict') throw error;
    }
  }
  throw new BusError('bus-timeout', `the extranonce counter changed under ${ATTEMPTS} attempts`);
}

/** The highest number that a gateway has worked under, as far as its shares or their credit are kept; 0: none. */
async function highestUsedRange(bus: Bus): Promise<number> {
  const kept = await Promise.all([
    bus.subjects('SHARES', subjectPattern('shares')),
    bus.subjects('CREDITS', subjectPattern('credit')),
  ]);
  let highest = 0;
  for (const subject of kept.flatMap((subjects) => [...subjects.keys()])) {
    const range = Number(lastToken(subject));
    if (Number.isInteger(range) && range <= LAST_EXTRANONCE_RANGE) highest = Math.max(highest, range);
  }
  return highest;
}

function encode(range: number): Uint8Array {
  return Buffer.from(String(range));
}

/** @throws BusError: a counter that cannot be read must never be started again from one. */
function decode(value: Uint8Array): number {
  const range = Number(Buffer.from(value).toString());
  if (!Number.isInteger(range) || range < 1)
    throw new BusError('bus-bad-payload', 'the extranonce counter is unreadable');
  return range;
}
