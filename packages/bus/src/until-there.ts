// What a service needs of the bus before it can begin, and may have to wait for: servers that are away or have no leader yet, a user that
// they do not know yet.
import { setTimeout as sleep } from 'node:timers/promises';
import { type BusErrorCode, isBusError } from './errors.ts';

const PAUSE_MS = 500;
/** What nobody's waiting mends. */
const lasting: ReadonlySet<BusErrorCode> = new Set([
  'bus-closed',
  'bus-bad-payload',
  'bus-bad-subject',
  'bus-storage-failed',
  'bus-stream-mismatch',
]);

export interface Waiting {
  isStopped(): boolean;
  /** Told of each attempt that came to nothing. */
  onTrouble(error: unknown): void;
}

/** Makes the attempt again and again; resolves with undefined when it is stopped. Rejects with what waiting does not mend. */
export async function untilThere<T>(
  attempt: () => Promise<T>,
  { isStopped, onTrouble }: Waiting,
): Promise<T | undefined> {
  while (!isStopped()) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusError(error) || lasting.has(error.code)) throw error;
      onTrouble(error);
      await sleep(PAUSE_MS);
    }
  }
  return undefined;
}
