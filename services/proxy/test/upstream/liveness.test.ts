import { describe, expect, it } from 'vitest';
import { Liveness, PROBE_AFTER_MS, PROBE_ANSWER_MS, UNANSWERED_SHARE_MS } from '../../src/upstream/liveness.ts';

describe('Liveness', () => {
  it('finds a black hole within ten seconds, asked four times a second', () => {
    const liveness = new Liveness(0);
    liveness.probeAnswered();
    const verdicts: (readonly [number, string])[] = [];
    for (let now = 0; now <= 10_000 && verdicts.at(-1)?.[1] !== 'silent'; now += 250) {
      const verdict = liveness.check(now, undefined);
      if (verdict !== undefined) verdicts.push([now, verdict]);
    }
    expect(verdicts).toEqual([
      [PROBE_AFTER_MS, 'probe'],
      [PROBE_AFTER_MS + PROBE_ANSWER_MS, 'silent'],
    ]);
  });

  it('is content with anything that comes, and asks again when that was long ago', () => {
    const liveness = new Liveness(0);
    liveness.probeAnswered();
    expect(liveness.check(3_000, undefined)).toBe('probe');
    expect(liveness.check(3_250, undefined)).toBeUndefined();
    liveness.received(7_900);
    expect(liveness.check(8_100, undefined)).toBeUndefined();
    expect(liveness.check(10_900, undefined)).toBe('probe');
  });

  it('judges one that does not answer questions by shares that wait', () => {
    const liveness = new Liveness(0);
    expect(liveness.check(1_000_000, undefined)).toBeUndefined();
    expect(liveness.check(1_000_000 + UNANSWERED_SHARE_MS - 1, 1_000_000)).toBeUndefined();
    expect(liveness.check(1_000_000 + UNANSWERED_SHARE_MS, 1_000_000)).toBe('silent');
    // It acknowledges every tenth share and sends jobs meanwhile.
    liveness.received(1_050_000);
    expect(liveness.check(1_050_000 + UNANSWERED_SHARE_MS - 1, 1_000_000)).toBeUndefined();
  });
});
