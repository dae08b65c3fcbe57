// How many pods were needed over the last while. It is kept in the cluster, so it is written only when the number changes, and it is short.

/** Values that are kept beside the present one. */
const PAST_BOUND = 24;

export interface History {
  /** Nothing is known of the time before, Unix milliseconds. */
  readonly sinceMs: number;
  readonly value: number;
  /** Earlier values, each with when it ended; the latest last. */
  readonly past: readonly (readonly [value: number, untilMs: number])[];
}

export const beginHistory = (value: number, nowMs: number): History => ({ sinceMs: nowMs, value, past: [] });

export interface HistoryTimes {
  /** What ended earlier is of no use to anybody. */
  readonly longestMs: number;
  /** A value that has fallen is taken for the lower one for so long, unless it rises above where it fell from: one that goes to and fro is no news each time. */
  readonly restMs: number;
}

/** The same object while nothing has changed; begun anew where a clock was ahead that wrote it. */
export function recorded(history: History, value: number, nowMs: number, { longestMs, restMs }: HistoryTimes): History {
  const [before = history.value, fellAtMs = history.sinceMs] = history.past.at(-1) ?? [];
  if (fellAtMs > nowMs) return beginHistory(value, nowMs);
  if (value === history.value) return history;
  if (value > history.value && value <= before && nowMs - fellAtMs < restMs) return history;
  const past = [...history.past, [history.value, nowMs] as const].filter(([, until]) => until > nowMs - longestMs);
  while (past.length > PAST_BOUND) past.splice(0, 2, higher(past[0], past[1]));
  return { sinceMs: history.sinceMs, value, past };
}

/** The lowest value over the window that ends now; undefined when the window is not known as a whole. */
export const lowest = (history: History, windowMs: number, nowMs: number) =>
  over(history, windowMs, nowMs)?.reduce((low, value) => Math.min(low, value));

/** The highest value over the window that ends now; undefined when the window is not known as a whole. */
export const highest = (history: History, windowMs: number, nowMs: number) =>
  over(history, windowMs, nowMs)?.reduce((high, value) => Math.max(high, value));

function over({ sinceMs, value, past }: History, windowMs: number, nowMs: number): number[] | undefined {
  const startMs = nowMs - windowMs;
  if (sinceMs > startMs) return undefined;
  return [value, ...past.filter(([, until]) => until > startMs).map(([earlier]) => earlier)];
}

/** Two neighbours as one, which takes pods away rather later than earlier. */
function higher(first: History['past'][number] = [0, 0], second: History['past'][number] = [0, 0]) {
  return [Math.max(first[0], second[0]), second[1]] as const;
}
