// What the feed says: the tip that miners are on, the job that is active on it, the future job that they hold. The same records give
// the same state in every process, so that a new leader goes on where the last one stopped.
import type { Activate, JobRecord, NewJob } from '@sluice/bus/payloads/job-record';

export interface FeedState {
  /** Feed number of the last record; 0: none. */
  readonly feed: number;
  readonly lastJobId: number;
  /** The activation that the miners' tip comes from. */
  readonly tip: Activate | undefined;
  readonly active: NewJob | undefined;
  /** The newest job that waits for an activation. */
  readonly future: NewJob | undefined;
  /** Feed number of the first record that a late joiner needs. */
  readonly replayFrom: number;
}

export const emptyFeedState: FeedState = {
  feed: 0,
  lastJobId: 0,
  tip: undefined,
  active: undefined,
  future: undefined,
  replayFrom: 1,
};

export function applyRecord(state: FeedState, record: JobRecord): FeedState {
  const feed = Number(record.feed);
  if (record.kind === 'newJob') {
    const next = { ...state, feed, lastJobId: record.jobId };
    return record.future ? { ...next, future: record } : { ...next, active: record };
  }
  if (state.future === undefined || state.future.jobId !== record.jobId) return { ...state, feed };
  return {
    ...state,
    feed,
    tip: record,
    active: state.future,
    future: undefined,
    replayFrom: Number(state.future.feed),
  };
}
