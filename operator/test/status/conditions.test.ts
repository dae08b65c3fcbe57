import { describe, expect, it } from 'vitest';
import { type Finding, transitions, withFindings } from '../../src/status/conditions.ts';

const finding = (type: string, status: Finding['status'], reason = 'Because'): Finding => ({
  type,
  status,
  reason,
  message: '',
});
const first = withFindings(undefined, [finding('Ready', 'False'), finding('Degraded', 'False')], {
  generation: 1,
  now: '2026-01-01T00:00:00Z',
});

describe('conditions', () => {
  it('have the time of their last change of status, whatever else changes', () => {
    const later = { generation: 2, now: '2026-01-02T00:00:00Z' };
    const second = withFindings(first, [finding('Ready', 'True'), finding('Degraded', 'False', 'Other')], later);
    expect(second).toEqual([
      { ...finding('Ready', 'True'), observedGeneration: 2, lastTransitionTime: later.now },
      { ...finding('Degraded', 'False', 'Other'), observedGeneration: 2, lastTransitionTime: '2026-01-01T00:00:00Z' },
    ]);
    expect(transitions(first, second).map(({ type }) => type)).toEqual(['Ready']);
    expect(transitions(undefined, first)).toEqual([]);
    expect(transitions(undefined, second).map(({ type }) => type)).toEqual(['Ready']);
  });

  it('have no longer a message than the definitions allow', () => {
    const long = { ...finding('Degraded', 'True'), message: 'x'.repeat(2_000) };
    const [condition] = withFindings(undefined, [long], { generation: 1, now: '2026-01-01T00:00:00Z' });
    expect(condition?.message).toHaveLength(1_024);
  });

  it('stay where nothing was found of them, with the generation that they were found for', () => {
    const second = withFindings(first, [finding('Paused', 'True')], { generation: 2, now: '2026-01-02T00:00:00Z' });
    expect(second.slice(0, 2)).toEqual(first);
    expect(second[2]).toMatchObject({ type: 'Paused', observedGeneration: 2 });
  });
});
