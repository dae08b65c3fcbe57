import { errorOfStatus } from '@sluice/operator/kubernetes/errors';
import { describe, expect, it } from 'vitest';
import { refusalText } from '../../src/kubectl/refusal-text.ts';

describe('a refusal', () => {
  it('names the verb that is missing', () => {
    const message =
      'miningpools.mining.sluice.dev "a" is forbidden: User "jo" cannot patch resource "miningpools" in API group';
    const pools = errorOfStatus(403, `PATCH /apis/x: ${message} "mining.sluice.dev" in the namespace "eu"`);
    expect(refusalText(pools)).toBe(
      'not permitted: jo lacks the verb patch on miningpools.mining.sluice.dev in namespace eu',
    );
    const proxy = errorOfStatus(
      403,
      'pods "a:9100" is forbidden: User "jo" cannot get resource "pods/proxy" in API group ""',
    );
    expect(refusalText(proxy)).toBe('not permitted: jo lacks the verb get on pods/proxy');
  });

  it('tells who is not known, and what is not installed', () => {
    expect(refusalText(errorOfStatus(401, 'GET /api/v1: Unauthorized'))).toContain('does not know who asks');
    const path = '/apis/mining.sluice.dev/v1alpha1/namespaces/eu/miningpools';
    for (const answer of ['404 page not found', 'the server could not find the requested resource'])
      expect(refusalText(errorOfStatus(404, `GET ${path}: ${answer}`))).toContain('the chart is not installed');
    const gone = 'miningpools.mining.sluice.dev "a" not found';
    expect(refusalText(errorOfStatus(404, `PATCH ${path}/a: ${gone}`))).toBeUndefined();
    expect(refusalText(errorOfStatus(409, 'another version'))).toBeUndefined();
    expect(refusalText(new Error('x'))).toBeUndefined();
  });
});
