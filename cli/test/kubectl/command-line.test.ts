import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../src/kubectl/command-line.ts';

const read = (words: string) => readCommandLine(words === '' ? [] : words.split(' '));
const text = (words: string) => {
  const line = read(words);
  return line.kind === 'command' ? '' : line.text;
};

describe('the words of kubectl sluice', () => {
  it('are a command, a name and flags in any order', () => {
    expect(read('rotate-keys -n mining main --new-authority --timeout 30 --context=eu')).toMatchObject({
      kind: 'command',
      command: {
        ...{ name: 'rotate-keys', argument: 'main', namespace: 'mining', context: 'eu', isNewAuthority: true },
        ...{ isConfirmed: false, waits: true, timeoutMs: 30_000, kubeconfig: undefined },
      },
    });
    expect(read('status')).toMatchObject({ kind: 'command', command: { argument: undefined, timeoutMs: 900_000 } });
  });

  it.each([
    ['statsu', 'unknown command; did you mean status?'],
    ['drain', 'drain needs POD'],
    ['pause one two', 'two: not understood'],
    ['pause one --new-authority', '--new-authority: not a flag of pause'],
    ['status --outptu json', "Unknown option '--outptu'"],
    ['status -o yaml', '--output: allowed: json'],
    ['drain one --timeout 0', '--timeout: allowed'],
  ])('have one line for %j', (words, why) => {
    expect(read(words).kind).toBe('mistake');
    expect(text(words)).toContain(why);
    expect(text(words)).toMatch(/^[^\n]+; see kubectl sluice help$/);
  });

  it('are listed without one, and each with its flags', () => {
    expect(text('')).toContain('rotate-keys NAME');
    expect([text('help'), text('--help')]).toEqual([text(''), text('')]);
    expect(text('drain --help')).toContain('Usage: kubectl sluice drain POD [flags]');
    expect(text('help drain')).toBe(text('drain --help'));
    expect(text('drain -h')).not.toContain('--new-authority');
  });
});
