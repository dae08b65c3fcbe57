// The bus of a provider that serves no pool: one of this process alone, with solutions and the answers of nodes on disk beside the templates.
import { join } from 'node:path';
import type { Bus } from '@sluice/bus/bus';
import { createInProcessBus } from '@sluice/bus/in-process/in-process-bus';
import { followBus } from '@sluice/bus/metrics';
import type { Clock } from '@sluice/runtime/clock';
import { codeOf, messageOf } from '@sluice/runtime/errors';
import type { Logger } from '@sluice/runtime/logger';
import type { MetricsRegistry } from '@sluice/runtime/metrics';

/** Rejects with `bus-storage-failed` when the folder is damaged or held by another process. */
export async function openStandaloneBus(
  templateDirectory: string,
  { log, clock, metrics }: { readonly log: Logger; readonly clock: Clock; readonly metrics: MetricsRegistry },
): Promise<Bus> {
  const bus = await createInProcessBus({
    directory: join(templateDirectory, 'bus'),
    clock,
    onError: (error) => log.error({ code: codeOf(error), reason: messageOf(error) }, 'bus'),
    onTornEnd: (end) => log.warn(end, 'the end of a file was not sound, as a crash leaves it, and was cut off'),
  });
  followBus(metrics, bus);
  return bus;
}
