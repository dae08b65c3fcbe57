import { describe, expect, it } from 'vitest';
import { waitingFor } from '../src/start/waiting.ts';

describe('waitingFor', () => {
  it('tells one cause once, not the parts that wait for it', () => {
    const checks = new Map([
      ['start', 'not started yet'],
      ['template-provider: work', 'no node gives work (127.0.0.1:8332: unreachable)'],
      ['template-provider: store', undefined],
      ['job-distributor: work', 'no job yet'],
      ['connection-gateway: work', 'no job yet'],
    ]);
    expect(waitingFor(checks)).toEqual(['template-provider: work: no node gives work (127.0.0.1:8332: unreachable)']);
  });

  it('tells causes of their own beside each other', () => {
    const checks = new Map([
      ['template-provider: store', 'the disk takes no transactions'],
      ['connection-gateway: work', 'shares are not stored'],
    ]);
    expect(waitingFor(checks)).toHaveLength(2);
    expect(waitingFor(new Map([['start', 'not started yet']]))).toEqual(['not started yet']);
    expect(waitingFor(new Map([['start', undefined]]))).toEqual([]);
  });
});
