import type { Bus } from '@sluice/bus/bus';
import type { StreamName } from '@sluice/bus/streams';

/** The first sequence stored at `sinceMs` or later, in Unix milliseconds; behind the newest where there is none. */
export async function firstStoredSince(bus: Bus, stream: StreamName, sinceMs: number): Promise<number> {
  const { firstSequence, lastSequence } = await bus.state(stream);
  let low = firstSequence;
  let high = lastSequence + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [record] = await bus.read(stream, middle, 1);
    if (record === undefined || record.storedAtMs >= sinceMs) high = middle;
    else low = record.sequence + 1;
  }
  return low;
}
