// Job ids: one u32 sequence for the whole pool, in steps that leave room for a channel to be given the same work again
// under a fresh id. Whatever carries an id, the job itself is found by its base.

/** Distance of two jobs; the ids between belong to reissues of the lower one. */
export const JOB_ID_STRIDE = 16;
/** The last base: behind it the sequence starts again at the stride, when ids of that age have long expired. */
const LAST_BASE = 2 ** 32 - JOB_ID_STRIDE;
const BASES = LAST_BASE / JOB_ID_STRIDE;

/** The id of the job `steps` jobs after `previous` (a base, or 0 before the first job). */
export function nextJobId(previous: number, steps = 1): number {
  const index = baseJobId(previous) / JOB_ID_STRIDE - 1 + steps;
  return ((index % BASES) + 1) * JOB_ID_STRIDE;
}

/** The job that an id on the wire means. */
export function baseJobId(jobId: number): number {
  return (jobId & ~(JOB_ID_STRIDE - 1)) >>> 0;
}

/** The id after `jobId` for the same work; `undefined` when all are used and only a new job helps. */
export function reissuedJobId(jobId: number): number | undefined {
  return jobId % JOB_ID_STRIDE === JOB_ID_STRIDE - 1 ? undefined : jobId + 1;
}
