// What the scaling has to remember beside what stands on the pods: annotations of the custom resource.
import type { History } from './history.ts';

/** Of a fleet's scaling. */
export const SCALING_STATE = 'mining.sluice.dev/scaling';

export interface ScalingState {
  /** Pods that there are to be. */
  readonly desired: number;
  /** How many the load needed; absent while it does not decide. */
  readonly needed?: History;
  /** Pods were added, and connections have not been moved to them yet. */
  readonly isUnbalanced: boolean;
}

export const formatState = (state: ScalingState): string => JSON.stringify(state);

/** undefined for what was not written by `formatState`: then the scaling begins anew with the pods that there are. */
export function parseState(text: string | undefined): ScalingState | undefined {
  if (text === undefined) return undefined;
  try {
    const state: unknown = JSON.parse(text);
    return isState(state) ? state : undefined;
  } catch {
    return undefined;
  }
}

function isState(state: unknown): state is ScalingState {
  if (typeof state !== 'object' || state === null) return false;
  const { desired, needed, isUnbalanced } = state as Partial<Record<keyof ScalingState, unknown>>;
  return isCount(desired) && typeof isUnbalanced === 'boolean' && (needed === undefined || isHistory(needed));
}

function isHistory(history: unknown): history is History {
  if (typeof history !== 'object' || history === null) return false;
  const { sinceMs, value, past } = history as Partial<Record<keyof History, unknown>>;
  const isPast = (pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every(isCount);
  return isCount(sinceMs) && isCount(value) && Array.isArray(past) && past.every(isPast);
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
