// Opens connections, a number of them at the same time, as fast as the pool lets them in or at a given rate.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@sluice/runtime/errors';
import { monotonicMs } from '../measure/monotonic.ts';
import type { MinerConnection } from '../miner-connection.ts';
import type { OpenOptions } from '../orders.ts';

export interface Opened {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly opened: number;
  /** By reason. */
  readonly failed: ReadonlyMap<string, number>;
}

export async function openAll(connections: readonly MinerConnection[], options: OpenOptions): Promise<Opened> {
  const { atOnce, perSecond } = options;
  const failed = new Map<string, number>();
  const startedAt = monotonicMs();
  let next = 0;
  const lane = async () => {
    while (next < connections.length) {
      const index = next++;
      const early = perSecond === undefined ? 0 : startedAt + (index * 1_000) / perSecond - monotonicMs();
      if (early > 0) await sleep(early);
      await connections[index]!.open().catch((error: unknown) => {
        const reason = messageOf(error);
        failed.set(reason, (failed.get(reason) ?? 0) + 1);
      });
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, atOnce) }, lane));
  const lost = [...failed.values()].reduce((total, count) => total + count, 0);
  return { startedAt, endedAt: monotonicMs(), opened: connections.length - lost, failed };
}
