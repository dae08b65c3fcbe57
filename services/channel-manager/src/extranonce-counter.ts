// The counter from which every start of a gateway gets a number of its own. Compare-and-set over the replicas; a number that was
// given is gone, whether it was used or not: nothing is ever taken back.

import type { Kv } from '@sluice/bus/bus';
import { BusError } from '@sluice/bus/errors';
import { LAST_EXTRANONCE_RANGE } from '@sluice/mining/extranonce';

const KEY = 'range';
/** Replicas that ask at the same moment: each round one of them wins. */
const ATTEMPTS = 100;

/** The next range number, or `undefined` when all 2^32 - 1 are given. @throws BusError when the bus cannot tell. */
export async function takeRange(kv: Kv): Promise<number | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const entry = await kv.get(KEY);
    const range = (entry === undefined ? 0 : decode(entry.value)) + 1;
    if (range > LAST_EXTRANONCE_RANGE) return undefined;
    try {
      if (entry === undefined) await kv.create(KEY, encode(range));
      else await kv.update(KEY, encode(range), entry.revision);
      return range;
    } catch (error) {
      if (!(error instanceof BusError) || error.code !== 'bus-revision-conflict') throw error;
    }
  }
  throw new BusError('bus-timeout', `the extranonce counter changed under ${ATTEMPTS} attempts`);
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
