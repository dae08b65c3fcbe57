import { describe, expect, it } from 'vitest';
import { formatState } from '../../src/scaling/scaling-state.ts';
import { decideValidators, VALIDATOR_SCALING_STATE, validatorReplicas } from '../../src/scaling/share-validators.ts';

interface Situation {
  readonly annotations: Readonly<Record<string, string>>;
  readonly nowMs: number;
}

/** What comes of so many seconds with this lag, with a look every five seconds by somebody who knows the annotation alone. */
function after(seconds: number, lag: number | undefined | readonly (number | undefined)[], from: Situation) {
  const lagsSeconds = Array.isArray(lag) ? lag : [lag];
  const bounds = { minReplicas: 2, maxReplicas: 8 };
  let { annotations, nowMs } = from;
  for (const endMs = nowMs + seconds * 1_000; nowMs <= endMs; nowMs += 5_000) {
    annotations = decideValidators({ ...bounds, lagsSeconds, nowMs, ownerAnnotations: annotations });
    // The same again.
    expect(decideValidators({ ...bounds, lagsSeconds, nowMs, ownerAnnotations: annotations })).toEqual(annotations);
  }
  return { replicas: validatorReplicas(annotations, bounds), annotations, nowMs };
}

const first = (desired: number) => ({
  annotations: { [VALIDATOR_SCALING_STATE]: formatState({ desired, isUnbalanced: false }) },
  nowMs: 1_000_000,
});

describe('share validators', () => {
  it('become half as many more for each window in which they lag, up to the most', () => {
    const short = after(25, 60, first(2));
    expect(short.replicas).toBe(2);
    const once = after(10, 60, short);
    expect(once.replicas).toBe(3);
    expect(after(200, 60, once).replicas).toBe(8);
  });

  it('become one fewer for each long window without a lag, down to the fewest', () => {
    const begun = after(100, 60, first(8));
    const quiet = after(880, 0, begun);
    expect(quiet.replicas).toBe(8);
    expect(after(60, 0, quiet).replicas).toBe(7);
    expect(after(7_200, 0, quiet).replicas).toBe(2);
  });

  it('stay as many while their lag is unknown', () => {
    const begun = after(60, 5, first(4));
    expect(after(7_200, undefined, begun).replicas).toBe(4);
  });

  it('are never fewer while one of them says nothing, and more where another one lags', () => {
    const begun = after(60, 5, first(4));
    const hanging = [0, undefined, undefined, undefined];
    expect(after(7_200, hanging, begun).replicas).toBe(4);
    expect(after(7_200, [0, 0, 0, 0], begun).replicas).toBe(2);
    expect(after(35, [60, ...hanging], begun).replicas).toBe(6);
  });
});
