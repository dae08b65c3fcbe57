// The jobs of the stream, with patience: a gateway gives out a job when it hears of it, which may be a moment before the stream has it.
import type { Clock } from '@sluice/runtime/clock';
import type { ValidatorCounters } from './counters.ts';
import type { AuditModules } from './incarnation-audit.ts';
import type { Sleep } from './incarnation-worker.ts';
import type { JobHistory } from './job-history.ts';

/** How long after the storing of a share its job may still come. */
export const JOB_PATIENCE_MS = 15_000;
const PAUSE_MS = 100;

export function patientJobs(
  history: JobHistory,
  modules: { readonly clock: Clock; readonly sleep: Sleep; readonly counters: ValidatorCounters },
  signal: AbortSignal,
): AuditModules['jobs'] {
  const { clock, sleep, counters } = modules;
  return {
    find: (tipFeed, jobId) => history.find(tipFeed, jobId),
    fetch: async (tipFeed, jobId, storedAtMs) => {
      for (;;) {
        counters.jobFetches += 1;
        const found = await history.fetch(tipFeed, jobId);
        if (found !== 'absent' || clock.now() - storedAtMs >= JOB_PATIENCE_MS) return found;
        await sleep(PAUSE_MS, undefined, { signal });
      }
    },
  };
}
