// How many share validators there are to be. They hold no connections, so any of them may go at any time; what they lag behind by decides.
import { followed, nextNeeded } from './desired-pods.ts';
import { within } from './needed-pods.ts';
import { formatState, parseState } from './scaling-state.ts';

/** Beside that of the gateways. */
export const VALIDATOR_SCALING_STATE = 'mining.sluice.dev/scaling-share-validators';

/** Far above what a restart costs, far below what anybody who waits for a credit notices. */
const LONG_LAG_SECONDS = 10;
const SHORT_LAG_SECONDS = 1;
/** A lag is soon seen to grow; whether fewer are enough shows over a day's swings. */
const WINDOWS = { upMs: 30_000, downMs: 900_000 };

export interface ObservedValidators {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** `sluice_share_validator_behind_seconds` of each that runs; undefined: unknown. */
  readonly lagsSeconds: readonly (number | undefined)[];
  readonly ownerAnnotations: Readonly<Record<string, string>>;
  readonly nowMs: number;
}

/** As many as were decided last, within the bounds; before the first decision as few as there may be. */
export function validatorReplicas(
  ownerAnnotations: ObservedValidators['ownerAnnotations'],
  bounds: Pick<ObservedValidators, 'minReplicas' | 'maxReplicas'>,
): number {
  const { desired = bounds.minReplicas } = parseState(ownerAnnotations[VALIDATOR_SCALING_STATE]) ?? {};
  return within(bounds, desired);
}

/** Annotations to be kept among the owner's, from which `validatorReplicas` reads what was decided; there already while nothing changes. */
export function decideValidators(observed: ObservedValidators): Readonly<Record<string, string>> {
  const { lagsSeconds, nowMs } = observed;
  const before = parseState(observed.ownerAnnotations[VALIDATOR_SCALING_STATE]);
  const present = validatorReplicas(observed.ownerAnnotations, observed);
  const neededOf = (count: number) => within(observed, count + step(count, lagsSeconds));
  const needed = nextNeeded(before?.needed, neededOf(present), WINDOWS, nowMs);
  const replicas = followed(needed, present, WINDOWS, nowMs);
  // What was needed was said of another number: it begins anew.
  const kept = replicas === present ? needed : nextNeeded(undefined, neededOf(replicas), WINDOWS, nowMs);
  return { [VALIDATOR_SCALING_STATE]: formatState({ desired: replicas, needed: kept, isUnbalanced: false }) };
}

/** Half as many more, or one less: a lag says that they are too few, and not by how many. Whose is unknown may have the longest. */
function step(present: number, lagsSeconds: ObservedValidators['lagsSeconds']): number {
  if (lagsSeconds.some((lag) => lag !== undefined && lag > LONG_LAG_SECONDS)) return Math.ceil(present / 2);
  const areAllShort = lagsSeconds.every((lag) => lag !== undefined && lag < SHORT_LAG_SECONDS);
  return lagsSeconds.length > 0 && areAllShort ? -1 : 0;
}
