import { describe, expect, it } from 'vitest';
import { CodedError, codedMessageOf, codeOf, messageOf } from '../src/errors.ts';

describe('errors', () => {
  it('are one line, never empty', () => {
    expect(messageOf(new Error('first\n  second'))).toBe('first second');
    expect(messageOf(new AggregateError([new Error('a'), new Error('b')]))).toBe('a; b');
    expect(messageOf(Object.assign(new Error(), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED');
    expect(messageOf(new Error())).toBe('unknown error');
    expect(messageOf('text')).toBe('text');
  });

  it('carry their code once', () => {
    expect(codedMessageOf(new CodedError('key-lost', 'no file'))).toBe('key-lost: no file');
    expect(codedMessageOf(new CodedError('key-lost', 'key-lost: no file'))).toBe('key-lost: no file');
    expect(codedMessageOf(new Error('plain'))).toBe('plain');
    expect(codeOf(Object.assign(new Error(), { code: 5 }))).toBeUndefined();
  });
});
