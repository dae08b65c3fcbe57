import { describe, expect, it } from 'vitest';
import { hasWildcard, isPattern, isSubject, subjectMatches } from '../src/subject-match.ts';
import { subjectName } from '../src/subjects.ts';

describe('subjects', () => {
  it('are filled in with tokens of letters, digits, "-" and "_" alone', () => {
    expect(subjectName('heartbeat', 'share-validator', 'host_1')).toBe('heartbeat.share-validator.host_1');
    for (const token of ['', 'a b', 'a.b', '*', '>', 'ä']) {
      expect(() => subjectName('tip', token)).toThrow('bus-bad-subject');
    }
  });

  it('and patterns are told from what is neither', () => {
    const texts = ['a', 'a.b', 'a.*', '*.b', 'a.>', '>', '', '.', 'a.', '.a', 'a..b', 'a b', 'a.b*', 'a.>.b', '*>'];
    expect(texts.filter(isSubject)).toEqual(['a', 'a.b']);
    expect(texts.filter(isPattern)).toEqual(['a', 'a.b', 'a.*', '*.b', 'a.>', '>']);
    expect(texts.filter(isPattern).filter(hasWildcard)).toEqual(['a.*', '*.b', 'a.>', '>']);
  });

  it('match as they do in NATS', () => {
    const pairs = [
      ['shares.*', 'shares.1'],
      ['shares.*', 'shares.1.2'],
      ['shares.*', 'shares'],
      ['shares.>', 'shares.1.2'],
      ['shares.>', 'shares'],
      ['*.1', 'shares.1'],
      ['jobs', 'jobs'],
    ] as const;
    expect(pairs.map(([pattern, subject]) => subjectMatches(pattern, subject))).toEqual([
      true,
      false,
      false,
      true,
      false,
      true,
      true,
    ]);
  });
});
