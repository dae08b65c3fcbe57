import { describe, expect, it } from 'vitest';
import { UpstreamError } from '../../src/upstream/errors.ts';
import { HISTORY_BOUND, UpstreamHistory } from '../../src/upstream/upstream-history.ts';

const unreachable = new UpstreamError('upstream-unreachable', 'connect ECONNREFUSED');

describe('UpstreamHistory', () => {
  it('holds changes alone, with the reason of what went down', () => {
    const history = new UpstreamHistory(2, 0);
    history.note(0, 'connecting', 1);
    history.note(0, 'active', 2);
    history.note(0, 'active', 3);
    history.note(0, 'down', 4, unreachable);
    expect(history.changes.map(({ place, state, atMs, reason }) => [place, state, atMs, reason])).toEqual([
      [0, 'active', 2, undefined],
      [0, 'down', 4, 'upstream-unreachable'],
    ]);
    expect(history.current(0)).toMatchObject({ state: 'down', detail: 'connect ECONNREFUSED' });
    expect(history.current(1)).toMatchObject({ state: 'connecting', atMs: 0 });
  });

  it('counts attempts that fail alike as one change', () => {
    const history = new UpstreamHistory(1, 0);
    for (let attempt = 1; attempt <= 500; attempt += 1) history.note(0, 'down', attempt, unreachable);
    history.note(0, 'down', 501, new UpstreamError('upstream-silent', 'no answer'));
    expect(history.changes.map(({ reason, atMs, times, lastMs }) => [reason, atMs, times, lastMs])).toEqual([
      ['upstream-unreachable', 1, 500, 500],
      ['upstream-silent', 501, 1, 501],
    ]);
  });

  it('forgets the oldest at its bound', () => {
    const history = new UpstreamHistory(1, 0);
    for (let at = 1; at <= HISTORY_BOUND + 1; at += 1) history.note(0, at % 2 === 0 ? 'active' : 'standby', at);
    expect(history.changes.length).toBe(HISTORY_BOUND);
    expect(history.changes[0]?.atMs).toBe(2);
  });
});
